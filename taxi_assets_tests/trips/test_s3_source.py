"""Months in a bucket of a real S3 server."""

from pathlib import Path
from typing import Any

import pytest
import s3fs

from taxi_assets.errors import MonthNotFoundError, SettingError, SourceUnavailableError
from taxi_assets.trips.months import month_range
from taxi_assets.trips.source import SETTLED_SECONDS, TripSource, open_source
from taxi_assets_tests.s3_server import BUCKET

MONTHS = month_range("2012-01", "2024-06")


@pytest.fixture
def prefix(server: s3fs.S3FileSystem, tmp_path: Path) -> str:
    """An address in the bucket, of this test alone."""
    return f"s3://{BUCKET}/trips-{tmp_path.parent.name}-{tmp_path.name}"


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the server was asked, and of which prefix."""
    asked: list[str] = []
    call = s3fs.S3FileSystem._call_s3

    async def recorded(self: Any, method: str, *arguments: Any, **options: Any) -> Any:
        asked.append(f"{method} {options.get('Prefix')}")
        return await call(self, method, *arguments, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", recorded)
    return asked


def _open(uri: str, s3_options: dict[str, Any]) -> TripSource:
    arguments: dict[str, Any] = {"sample_months": "2024-01", "sample_rows": 1, "sample_seed": 1, "attempts": 1}
    return open_source(uri, "green", **arguments, s3_options=s3_options)


def _upload(server: s3fs.S3FileSystem, sample_folder: Path, prefix: str) -> None:
    for month in ("2024-01", "2024-02"):
        name = f"green_tripdata_{month}.parquet"
        server.put_file(str(sample_folder / name), f"{prefix}/{name}")


@pytest.mark.parametrize("below", ["", "/green"])
def test_the_fingerprint_is_the_etag_that_fetch_gives(
    server: s3fs.S3FileSystem,
    s3_options: dict[str, Any],
    prefix: str,
    sample_folder: Path,
    tmp_path: Path,
    below: str,
) -> None:
    _upload(server, sample_folder, f"{prefix}{below}")
    source = _open(prefix, s3_options)
    published = source.published("2023-06", "2024-06")
    assert published == {month: source.fetch(month, tmp_path).fingerprint for month in ("2024-01", "2024-02")}
    assert all(fingerprint.startswith("etag:") for fingerprint in published.values())


def test_150_months_cost_one_listing(
    server: s3fs.S3FileSystem, s3_options: dict[str, Any], prefix: str, requests: list[str]
) -> None:
    server.pipe({f"{prefix}/green_tripdata_{month}.parquet": month.encode() for month in MONTHS})
    requests.clear()
    assert list(_open(prefix, s3_options).published(MONTHS[0], MONTHS[-1])) == MONTHS
    assert requests == [f"list_objects_v2 {prefix.removeprefix(f's3://{BUCKET}/')}/"]


def test_folders_of_years_are_listed_once_each_where_they_exist(
    server: s3fs.S3FileSystem, s3_options: dict[str, Any], prefix: str, requests: list[str]
) -> None:
    months = month_range("2022-03", "2023-02")
    server.pipe({f"{prefix}/green/{month[:4]}/{month[5:]}.parquet": month.encode() for month in months})
    requests.clear()
    source = _open(f"{prefix}/{{service}}/{{year}}/{{month}}.parquet", s3_options)
    assert list(source.published(MONTHS[0], MONTHS[-1])) == months
    top = f"{prefix.removeprefix(f's3://{BUCKET}/')}/green/"
    assert requests == [f"list_objects_v2 {top}{below}" for below in ("", "2022/", "2023/")]


def test_a_month_that_appears_or_changes_is_seen_at_the_next_look(
    server: s3fs.S3FileSystem, s3_options: dict[str, Any], prefix: str
) -> None:
    server.pipe_file(f"{prefix}/green_tripdata_2024-01.parquet", b"one")
    source = _open(prefix, s3_options)
    first = source.published("2024-01", "2024-02")
    server.pipe_file(f"{prefix}/green_tripdata_2024-01.parquet", b"two")
    server.pipe_file(f"{prefix}/green_tripdata_2024-02.parquet", b"two")
    second = source.published("2024-01", "2024-02")
    assert list(second) == ["2024-01", "2024-02"]
    assert second["2024-01"] != first["2024-01"]


def test_an_object_is_published_as_soon_as_it_is_there(
    server: s3fs.S3FileSystem, s3_options: dict[str, Any], prefix: str
) -> None:
    server.pipe_file(f"{prefix}/green_tripdata_2024-01.parquet", b"one")
    source = _open(prefix, s3_options)
    assert list(source.published("2024-01", "2024-01", settled_seconds=SETTLED_SECONDS)) == ["2024-01"]


def test_a_prefix_without_months_has_published_nothing(
    server: s3fs.S3FileSystem, s3_options: dict[str, Any], prefix: str, tmp_path: Path
) -> None:
    server.pipe_file(f"{prefix}/read me", b"months will be here")
    source = _open(prefix, s3_options)
    assert source.published("2024-01", "2024-02") == {}
    with pytest.raises(MonthNotFoundError, match="2024-01"):
        source.fetch("2024-01", tmp_path)


@pytest.mark.parametrize("uri", [f"s3://{BUCKET}/gone", "s3://no-such-bucket/trips", "s3://no-such-bucket"])
def test_a_prefix_or_a_bucket_that_is_not_there_is_unavailable(
    s3_options: dict[str, Any], tmp_path: Path, uri: str
) -> None:
    source = _open(uri, s3_options)
    with pytest.raises(SourceUnavailableError, match=rf"^{uri}/ is not there.*TAXI_TRIPS_URI"):
        source.published("2024-01", "2024-02")
    with pytest.raises(SourceUnavailableError, match=rf"^{uri}/ is not there"):
        source.fetch("2024-01", tmp_path)


def test_credentials_that_may_not_read_are_refused(s3_options: dict[str, Any], prefix: str) -> None:
    with pytest.raises(SettingError, match="may not be read") as refused:
        _open(prefix, s3_options | {"secret": "wrong-secret"}).published("2024-01", "2024-02")
    assert "wrong-secret" not in str(refused.value)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "no address"])
def test_a_server_that_is_not_there_is_unavailable(
    s3_options: dict[str, Any], prefix: str, tmp_path: Path, endpoint: str
) -> None:
    quick = {"config_kwargs": {"retries": {"max_attempts": 0}}, "endpoint_url": endpoint}
    source = _open(prefix, s3_options | quick)
    with pytest.raises(SourceUnavailableError, match=r"^s3://.*cannot be read.*TAXI_S3_ENDPOINT_URL"):
        source.published("2024-01", "2024-02")
    with pytest.raises(SourceUnavailableError, match="TAXI_S3_ENDPOINT_URL"):
        source.fetch("2024-01", tmp_path)
