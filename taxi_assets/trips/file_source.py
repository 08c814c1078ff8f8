"""Months in files, read through fsspec: a folder of this machine, or whatever else fsspec can list."""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from typing_extensions import override

from taxi_assets.addresses import shown
from taxi_assets.errors import MonthNotFoundError, SettingError, SourceUnavailableError
from taxi_assets.trips.folder_listing import FolderListing
from taxi_assets.trips.months import month_range
from taxi_assets.trips.schema import Service
from taxi_assets.trips.trip_source import FetchedMonth, TripSource, fill

log = logging.getLogger(__name__)

SETTLED_SECONDS = 5.0
"""How long a file of a local folder must have been left alone for it to be taken as complete.

A copy or a download writes its file again and again while it goes on, with far shorter pauses. (On S3 an object appears
when it is complete.)
"""

Info = Mapping[str, Any]
"""What a file system says of a file: `size`, and an ETag or when it was changed."""


class FileSource(TripSource):
    """Months in files, at addresses made from a template with `{service}`, `{year}` and `{month}`.

    Args:
        service: the kind of taxi.
        templates: where a month may lie; the first that exists counts.
        attempts: how often a month is tried.
        options: what the file system is to be called with.
    """

    def __init__(
        self, service: Service, templates: list[str], attempts: int, options: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(service)
        self.templates = templates
        self.attempts = attempts
        try:
            self._fs = fsspec.url_to_fs(templates[0], **(options or {}))[0]
        except (ValueError, ImportError) as error:
            raise SettingError(f"TAXI_TRIPS_URI={shown(templates[0])}: {error}.") from error

    @override
    def address(self, month: str) -> str:
        return shown(self._addresses(month)[0])

    @override
    def published(self, first: str, last: str, *, settled_seconds: float = 0) -> dict[str, str]:
        months = month_range(first, last)
        listing = self._listing()
        found: dict[str, str] = {}
        for month in months:
            info = next((info for address in self._addresses(month) if (info := self._listed(listing, address))), None)
            if info is not None and _is_settled(info, settled_seconds):
                found[month] = fingerprint_of(info)
        return found

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

    def _addresses(self, month: str) -> list[str]:
        return [fill(template, self.service.name, month) for template in self.templates]

    def _listing(self) -> FolderListing:
        """The folders that the templates name, ready to be listed; one of them is known to be there."""
        tops = list(dict.fromkeys(_fixed_folder(template, self.service.name) for template in self.templates))
        listing = FolderListing(self._fs, tops)
        with self._explained(tops[0]):
            there = any(listing.has_folder(top) for top in tops)
        if not there:
            raise SourceUnavailableError(
                f"{shown(tops[0])} is not there, or is no folder. "
                "Check TAXI_TRIPS_URI, and that the disk or bucket it names is in reach."
            )
        return listing

    def _listed(self, listing: FolderListing, address: str) -> Info | None:
        with self._explained(address):
            return listing.file(address)

    def _info(self, address: str) -> Info | None:
        """What the file system says of one file; None where there is none."""
        with self._explained(address):
            try:
                info: Info = self._fs.info(address)
            except FileNotFoundError:
                return None
        return None if info.get("type") == "directory" else info

    def _require_there(self) -> None:
        """Raise SourceUnavailableError where it is the whole source, and not only a month, that is not there."""
        self._listing()

    def _locate(self, month: str) -> tuple[str, Info]:
        for address in self._addresses(month):
            if info := self._info(address):
                return address, info
        self._require_there()
        raise MonthNotFoundError(
            f"{month}: there is no {self.service.name} file at {' or '.join(map(shown, self._addresses(month)))}. "
            "Check the month, TAXI_TRIPS_URI and TAXI_SERVICE."
        )

    def _download(self, month: str, path: Path) -> str:
        # The fingerprint is asked for first: if the file is replaced in between, the next look sees another one.
        address, info = self._locate(month)
        with self._explained(address):
            self._fs.get_file(address, str(path))
        announced, received = info.get("size"), path.stat().st_size
        if announced is not None and announced != received:
            raise SourceUnavailableError(f"{shown(address)} broke off after {received:,} of {announced:,} bytes.")
        return fingerprint_of(info)

    @contextmanager
    def _explained(self, address: str) -> Iterator[None]:
        """Turn an error of a file system into one of ours."""
        try:
            yield
        except Exception as error:  # each file system has errors of its own: _explain sorts them
            explained = self._explain(error, address)
            if explained is error:
                raise
            # Without its cause, which can hold the address in full: Dagster stores and shows causes.
            raise explained from None

    def _explain(self, error: Exception, address: str) -> Exception:
        """An error of a file system as one of ours; one that is no fault of the source stays as it is."""
        if isinstance(error, PermissionError):
            return SettingError(f"{shown(address)} may not be read: {error}.")
        if isinstance(error, OSError):
            return SourceUnavailableError(f"{shown(address)} cannot be read: {reason_of(error)}.")
        return error

    def _log_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        log.warning("%s Attempt %d of %d in %.1f s.", error, state.attempt_number + 1, self.attempts, pause)


def fingerprint_of(info: Info) -> str:
    """The version of a file: its ETag, else its size and when it was changed."""
    for name in ("ETag", "etag"):
        if info.get(name):
            return f"etag:{str(info[name]).strip(chr(34))}"
    changed = info.get("mtime") or info.get("LastModified") or info.get("Last-Modified") or ""
    return f"size:{info.get('size')} mtime:{changed}"


def reason_of(error: Exception) -> str:
    """What an error says, or else what it is called."""
    cause = error.__cause__ or error
    return str(cause).rstrip(".") or type(cause).__name__


def _fixed_folder(template: str, service: str) -> str:
    """The folder that all months of a template have in common."""
    fixed = re.split(r"{(?:year|month)", template)[0]
    return fixed[: fixed.rfind("/") + 1].format(service=service)


def _is_settled(info: Info, seconds: float) -> bool:
    changed = info.get("mtime")
    # A file from the future, of a clock that is far wrong, is not held back until that time comes.
    return not isinstance(changed, (int, float)) or abs(time.time() - changed) >= seconds
