"""Where months come from: the sample, folders and templates."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from taxi_assets.errors import MonthNotFoundError, SettingError, SourceUnavailableError, TripFileError
from taxi_assets.trips.source import TripSource, last_full_month, open_source
from taxi_assets_tests.conftest import ROWS


def _open(uri: str, service: str = "green", **changes: Any) -> TripSource:
    arguments = {"sample_months": "2024-01:2024-02", "sample_rows": 300, "sample_seed": 1, "attempts": 1}
    return open_source(uri, service, **(arguments | changes))


def test_a_sample_month_is_fetched_whole_under_its_official_name(tmp_path: Path) -> None:
    fetched = _open("sample", sample_rows=300).fetch("2024-01", tmp_path)
    assert (fetched.path, fetched.content.rows) == (tmp_path / "green_tripdata_2024-01.parquet", 300)


def test_a_month_that_the_sample_does_not_have_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(MonthNotFoundError, match=r"2024-03.*2024-01 to 2024-02"):
        _open("sample").fetch("2024-03", tmp_path)


@pytest.mark.parametrize("change", [{"sample_seed": 2}, {"sample_rows": 301}])
def test_another_sample_has_another_fingerprint(tmp_path: Path, change: dict[str, int]) -> None:
    one, other = (_open("sample", **arguments).fetch("2024-01", tmp_path) for arguments in ({}, change))
    assert one.fingerprint != other.fingerprint


def test_only_the_sample_is_synthetic(sample_folder: Path) -> None:
    assert [_open(uri).synthetic for uri in ("sample", str(sample_folder), "tlc")] == [True, False, False]


def test_a_month_of_a_folder_is_fetched_byte_for_byte(sample_folder: Path, tmp_path: Path) -> None:
    fetched = _open(str(sample_folder)).fetch("2024-01", tmp_path)
    assert fetched.content.rows == ROWS
    assert fetched.path.read_bytes() == (sample_folder / fetched.path.name).read_bytes()


def test_a_folder_may_have_a_folder_for_each_service(sample_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "trips").mkdir()
    (tmp_path / "trips" / "green").symlink_to(sample_folder)
    source = _open(str(tmp_path / "trips"))
    assert list(source.published("2023-12", "2024-03")) == ["2024-01", "2024-02"]
    assert source.fetch("2024-02", tmp_path).content.rows == ROWS


def test_a_month_that_a_folder_does_not_have_is_not_found(sample_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MonthNotFoundError, match=r"2024-03.*green_tripdata_2024-03\.parquet"):
        _open(str(sample_folder)).fetch("2024-03", tmp_path)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError, match=r"/gone/ is not there.*TAXI_TRIPS_URI"):
        _open(str(tmp_path / "gone")).fetch("2024-01", tmp_path)


def test_a_changed_file_of_a_folder_has_another_fingerprint(sample_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    path = tmp_path / "there" / "green_tripdata_2024-01.parquet"
    path.write_bytes((sample_folder / path.name).read_bytes())
    source = _open(str(path.parent))
    before = source.fetch("2024-01", tmp_path).fingerprint
    os.utime(path, (0, 0))
    assert source.fetch("2024-01", tmp_path).fingerprint != before


def test_an_unchanged_file_of_a_folder_has_the_same_fingerprint(sample_folder: Path, tmp_path: Path) -> None:
    source = _open(str(sample_folder))
    assert len({source.fetch("2024-01", tmp_path).fingerprint for _ in range(2)}) == 1


def test_a_broken_file_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "green_tripdata_2024-01.parquet").write_bytes(b"PAR1")
    with pytest.raises(TripFileError, match="green_tripdata_2024-01"):
        _open(str(tmp_path / "there")).fetch("2024-01", tmp_path)


def test_a_template_may_name_files_in_another_way(sample_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "green" / "2024").mkdir(parents=True)
    (tmp_path / "green" / "2024" / "02.parquet").symlink_to(sample_folder / "green_tripdata_2024-02.parquet")
    source = _open(f"{tmp_path}/{{service}}/{{year}}/{{month}}.parquet")
    assert list(source.published("2024-01", "2024-03")) == ["2024-02"]
    assert source.fetch("2024-02", tmp_path).content.rows == ROWS


@pytest.mark.parametrize(
    ("preset", "address"),
    [
        ("tlc", "https://d37ci6vzurychx.cloudfront.net/trip-data/yellow_tripdata_2024-01.parquet"),
        ("mage", "https://github.com/mage-ai/datasets/raw/master/taxi/yellow/2024/01.parquet"),
    ],
)
def test_a_preset_names_the_address_of_a_month(preset: str, address: str) -> None:
    assert _open(preset, "yellow").address("2024-01") == address


@pytest.mark.parametrize(
    "uri", ["/x/{yeer}", "/x/{}", "/x/{0}", "/x/{month", "/x/{month:d}", "/x/{service.colour}", "/x/{service[a]}"]
)
def test_a_template_with_another_placeholder_is_refused(uri: str) -> None:
    with pytest.raises(SettingError, match="TAXI_TRIPS_URI"):
        _open(uri)


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(SettingError, match="TAXI_TRIPS_URI=gopher"):
        _open("gopher://trips")


@pytest.mark.parametrize("uri", ["sample", "tlc"])
def test_an_unknown_service_is_refused(uri: str) -> None:
    with pytest.raises(SettingError, match="purple"):
        _open(uri, "purple")


@pytest.mark.parametrize(
    ("now", "month"), [((2024, 3, 1), "2024-02"), ((2024, 1, 31), "2023-12"), ((2024, 12, 31), "2024-11")]
)
def test_the_last_full_month_is_the_one_before_this(now: tuple[int, int, int], month: str) -> None:
    assert last_full_month(datetime(*now, tzinfo=UTC)) == month


@pytest.mark.parametrize("template", ["/trips/{service}.parquet", "/trips/{year}.parquet", "/trips/{month}.parquet"])
def test_a_template_that_gives_two_months_one_file_is_refused(template: str) -> None:
    with pytest.raises(SettingError, match="must use"):
        open_source(template, "green", sample_months="2024-01", sample_rows=1, sample_seed=1, attempts=1)
