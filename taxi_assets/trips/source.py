"""Where months of trips come from: made on the spot, or read through fsspec from a folder, http(s) or S3."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from typing_extensions import override

from taxi_assets.errors import MonthNotFoundError, SettingError, SourceUnavailableError
from taxi_assets.trips.months import month_range, parse_months
from taxi_assets.trips.schema import Service, service_named

if TYPE_CHECKING:
    from taxi_assets.trips.trip_file import TripFile

log = logging.getLogger(__name__)

PRESETS: Mapping[str, str] = {
    "tlc": "https://d37ci6vzurychx.cloudfront.net/trip-data/{service}_tripdata_{year}-{month}.parquet",
    "mage": "https://github.com/mage-ai/datasets/raw/master/taxi/{service}/{year}/{month}.parquet",
}
SAMPLE = "sample"
FILE_NAME = "{service}_tripdata_{year}-{month}.parquet"

CONNECT_SECONDS = 30
SILENCE_SECONDS = 60
"""How long an http server may take to answer, and to send the next bytes."""


@dataclass(frozen=True)
class FetchedMonth:
    """A month's file that was fetched and read whole. The fingerprint tells its version at the source."""

    path: Path
    fingerprint: str
    content: "TripFile"


class TripSource(ABC):
    """A place that has months of trips of one service."""

    synthetic = False

    def __init__(self, service: Service) -> None:
        self.service = service

    @abstractmethod
    def available_months(self, first: str, last: str) -> list[str]:
        """Those of the months from `first` to `last` that the source has, in order.

        Raises:
            SourceUnavailableError: the source did not answer.
        """

    @abstractmethod
    def address(self, month: str) -> str:
        """Where the month comes from, for people to read."""

    @abstractmethod
    def fetch(self, month: str, folder: Path) -> FetchedMonth:
        """Bring a month's file into a folder, byte for byte as published, and read it whole.

        Raises:
            MonthNotFoundError: the source does not have the month.
            SourceUnavailableError: the source did not answer, also when tried again.
            TripFileError: what the source has is not a whole, readable trip file.
        """

    def file_name(self, month: str) -> str:
        """The official name of a month's file."""
        return _fill(FILE_NAME, self.service.name, month)


class SampleSource(TripSource):
    """Synthetic months, made when they are fetched."""

    synthetic = True

    def __init__(self, service: Service, months: str, rows: int, seed: int) -> None:
        super().__init__(service)
        self.months = parse_months(months)
        self.rows = rows
        self.seed = seed

    @override
    def available_months(self, first: str, last: str) -> list[str]:
        return [month for month in self.months if first <= month <= last]

    @override
    def address(self, month: str) -> str:
        return f"sample (synthetic, {self.rows:,} trips, seed {self.seed})"

    @override
    def fetch(self, month: str, folder: Path) -> FetchedMonth:
        from taxi_assets.trips.sample import GENERATOR_VERSION, write_sample_month
        from taxi_assets.trips.trip_file import read_trip_file

        if month not in self.months:
            raise MonthNotFoundError(
                f"{month}: the sample source has {self.months[0]} to {self.months[-1]} (TAXI_SAMPLE_MONTHS)."
            )
        path = folder / self.file_name(month)
        write_sample_month(path, self.service.name, month, self.rows, self.seed)
        fingerprint = f"sample-{GENERATOR_VERSION}-{self.seed}-{self.rows}"
        return FetchedMonth(path, fingerprint, read_trip_file(path, self.service, month))


class FileSource(TripSource):
    """Months in files, at addresses made from a template with `{service}`, `{year}` and `{month}`.

    Args:
        service: the kind of taxi.
        templates: where a month may lie; the first that exists counts.
        attempts: how often a month is tried.
        s3_options: what s3fs is to be called with.
    """

    def __init__(
        self, service: Service, templates: list[str], attempts: int, s3_options: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(service)
        self.templates = templates
        self.attempts = attempts
        options: dict[str, Any] = {}
        if templates[0].startswith("s3://"):
            options = {**(s3_options or {}), "use_listings_cache": False}
        elif templates[0].startswith("http"):
            import aiohttp

            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
            options = {"client_kwargs": {"timeout": timeout, "trust_env": True}}
        try:
            self._fs = fsspec.url_to_fs(templates[0], **options)[0]
        except (ValueError, ImportError) as error:
            raise SettingError(f"TAXI_TRIPS_URI={templates[0]}: {error}.") from error

    @override
    def address(self, month: str) -> str:
        return _fill(self.templates[0], self.service.name, month)

    @override
    def available_months(self, first: str, last: str) -> list[str]:
        months = month_range(first, last)
        with ThreadPoolExecutor(max_workers=16) as pool:
            found = list(pool.map(self._has, months))
        return [month for month, there in zip(months, found, strict=True) if there]

    @override
    def fetch(self, month: str, folder: Path) -> FetchedMonth:
        from taxi_assets.trips.trip_file import read_trip_file

        retrying = Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait_exponential_jitter(multiplier=0.5, max=30),
            retry=retry_if_exception_type(SourceUnavailableError),
            before_sleep=self._log_retry,
            reraise=True,
        )
        path = folder / self.file_name(month)
        fingerprint: str = retrying(self._download, month, path)
        return FetchedMonth(path, fingerprint, read_trip_file(path, self.service, month))

    def _has(self, month: str) -> bool:
        try:
            self._locate(month)
        except MonthNotFoundError:
            return False
        return True

    def _locate(self, month: str) -> tuple[str, dict[str, Any]]:
        addresses = [_fill(template, self.service.name, month) for template in self.templates]
        for address in addresses:
            try:
                info = self._fs.info(address)
            except Exception as error:  # each file system has errors of its own: _explain sorts them
                if not _is_absent(error):
                    raise self._explain(error, address) from error
            else:
                if info.get("type") != "directory":
                    return address, info
        raise MonthNotFoundError(
            f"{month}: there is no {self.service.name} file at {' or '.join(addresses)}. "
            "Check the month, TAXI_TRIPS_URI and TAXI_SERVICE."
        )

    def _download(self, month: str, path: Path) -> str:
        address, info = self._locate(month)
        try:
            self._fs.get_file(address, str(path))
        except Exception as error:  # as above
            raise self._explain(error, address) from error
        announced, received = info.get("size"), path.stat().st_size
        if announced is not None and announced != received:
            raise SourceUnavailableError(f"{address} broke off after {received:,} of {announced:,} bytes.")
        return _fingerprint(info)

    def _explain(self, error: Exception, address: str) -> Exception:
        """An error of a file system as one of ours; one that is no fault of the source stays as it is."""
        import aiohttp

        if isinstance(error, PermissionError):
            return SettingError(f"{address} may not be read: {error}.")
        if isinstance(error, (OSError, asyncio.TimeoutError, aiohttp.ClientError)):
            cause = error.__cause__ or error
            reason = str(cause) or type(cause).__name__
            return SourceUnavailableError(f"{address} cannot be read: {reason}.")
        return error

    def _log_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        log.warning("%s Attempt %d of %d in %.1f s.", error, state.attempt_number + 1, self.attempts, pause)


def open_source(
    uri: str,
    service: str,
    *,
    sample_months: str,
    sample_rows: int,
    sample_seed: int,
    attempts: int,
    s3_options: Mapping[str, Any] | None = None,
) -> TripSource:
    """The source that a URI names; the arguments are the settings of the same names.

    Raises:
        SettingError: the service is unknown, or the URI is none that can be read.
    """
    known = service_named(service)
    if uri == SAMPLE:
        return SampleSource(known, sample_months, sample_rows, sample_seed)
    if uri in PRESETS:
        templates = [PRESETS[uri]]
    elif "{" in uri:
        templates = [uri]
    else:
        folder = uri.rstrip("/")
        templates = [f"{folder}/{FILE_NAME}", f"{folder}/{{service}}/{FILE_NAME}"]
    try:
        different = {_fill(templates[0], service, month) for month in ("2024-01", "2024-02", "2025-01")}
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise SettingError(
            f"TAXI_TRIPS_URI={uri}: a template may use {{service}}, {{year}} and {{month}} only."
        ) from error
    if len(different) < 3:
        raise SettingError(f"TAXI_TRIPS_URI={uri}: a template must use {{year}} and {{month}}.")
    return FileSource(known, templates, attempts, s3_options)


def last_full_month(now: datetime | None = None) -> str:
    """The last month that has ended."""
    now = now or datetime.now(UTC)
    return f"{now.year - 1}-12" if now.month == 1 else f"{now.year}-{now.month - 1:02d}"


def _fill(template: str, service: str, month: str) -> str:
    year, number = month.split("-")
    return template.format(service=service, year=year, month=number)


def _is_absent(error: Exception) -> bool:
    # fsspec reports whatever goes wrong over http as a missing file, and keeps the reason as the cause.
    reason = error.__cause__ or error
    # The TLC's servers answer 403 for a month that does not exist.
    return isinstance(reason, FileNotFoundError) or getattr(reason, "status", None) in (403, 404, 410)


def _fingerprint(info: Mapping[str, Any]) -> str:
    for name in ("ETag", "etag"):
        if info.get(name):
            return f"etag:{str(info[name]).strip(chr(34))}"
    changed = info.get("mtime") or info.get("LastModified") or info.get("Last-Modified") or ""
    return f"size:{info.get('size')} mtime:{changed}"
