"""Where months of trips come from: made on the spot, or read from a folder, http(s) or S3."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from taxi_assets.addresses import shown
from taxi_assets.errors import SettingError
from taxi_assets.trips.file_source import SETTLED_SECONDS, FileSource
from taxi_assets.trips.sample_source import SampleSource
from taxi_assets.trips.schema import service_named
from taxi_assets.trips.trip_source import FILE_NAME, FetchedMonth, TripSource, fill

__all__ = [
    "FILE_NAME",
    "PRESETS",
    "SAMPLE",
    "SETTLED_SECONDS",
    "FetchedMonth",
    "FileSource",
    "SampleSource",
    "TripSource",
    "last_full_month",
    "open_source",
]

PRESETS: Mapping[str, str] = {
    "tlc": "https://d37ci6vzurychx.cloudfront.net/trip-data/{service}_tripdata_{year}-{month}.parquet",
    "mage": "https://github.com/mage-ai/datasets/raw/master/taxi/{service}/{year}/{month}.parquet",
}
SAMPLE = "sample"


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
    templates = _templates(uri, service)
    if templates[0].startswith("s3://"):
        from taxi_assets.trips.s3_source import S3Source

        return S3Source(known, templates, attempts, s3_options)
    if templates[0].startswith(("http://", "https://")):
        from taxi_assets.trips.http_source import HttpSource

        return HttpSource(known, templates, attempts)
    return FileSource(known, templates, attempts)


def last_full_month(now: datetime | None = None) -> str:
    """The last month that has ended."""
    now = now or datetime.now(UTC)
    return f"{now.year - 1}-12" if now.month == 1 else f"{now.year}-{now.month - 1:02d}"


def _templates(uri: str, service: str) -> list[str]:
    if uri in PRESETS:
        templates = [PRESETS[uri]]
    elif "{" in uri:
        templates = [uri]
    else:
        folder = uri.rstrip("/")
        templates = [f"{folder}/{FILE_NAME}", f"{folder}/{{service}}/{FILE_NAME}"]
    try:
        different = {fill(templates[0], service, month) for month in ("2024-01", "2024-02", "2025-01")}
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise SettingError(
            f"TAXI_TRIPS_URI={shown(uri)}: a template may use {{service}}, {{year}} and {{month}} only."
        ) from error
    if len(different) < 3:
        raise SettingError(f"TAXI_TRIPS_URI={shown(uri)}: a template must use {{year}} and {{month}}.")
    return templates
