"""What the sample and folders have published: one listing a folder, and the fingerprints that fetch gives."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from taxi_assets.errors import SourceUnavailableError
from taxi_assets.trips.months import month_range
from taxi_assets.trips.source import SETTLED_SECONDS, TripSource, open_source

MONTHS = month_range("2012-01", "2024-06")


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were listed."""
    asked: list[str] = []
    ls = LocalFileSystem.ls

    def recorded(self: LocalFileSystem, path: str, *arguments: Any, **options: Any) -> Any:
        asked.append(path)
        return ls(self, path, *arguments, **options)

    monkeypatch.setattr(LocalFileSystem, "ls", recorded)
    return asked


def _open(uri: str, service: str = "green", **changes: Any) -> TripSource:
    arguments = {"sample_months": "2024-01:2024-02", "sample_rows": 300, "sample_seed": 1, "attempts": 1}
    return open_source(uri, service, **(arguments | changes))


def _copy(source: Path, target: Path, age: float = 3600) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
    os.utime(target, (time.time() - age,) * 2)
    return target


def test_the_sample_has_its_months_within_the_range() -> None:
    source = _open("sample", sample_months="2023-11:2024-03")
    assert list(source.published("2023-12", "2024-02")) == ["2023-12", "2024-01", "2024-02"]


@pytest.mark.parametrize("uri", ["sample", "{folder}", "{folder}/{{service}}_tripdata_{{year}}-{{month}}.parquet"])
def test_the_fingerprint_is_the_one_that_fetch_gives(uri: str, sample_folder: Path, tmp_path: Path) -> None:
    source = _open(uri.format(folder=sample_folder))
    published = source.published("2023-06", "2024-06")
    assert published == {month: source.fetch(month, tmp_path).fingerprint for month in ("2024-01", "2024-02")}
    assert list(published) == ["2024-01", "2024-02"]


def test_the_fingerprint_of_a_link_is_the_one_that_fetch_gives(sample_folder: Path, tmp_path: Path) -> None:
    file = _copy(sample_folder / "green_tripdata_2024-01.parquet", tmp_path / "january")
    link = tmp_path / "there" / "green_tripdata_2024-01.parquet"
    link.parent.mkdir()
    link.symlink_to(file)
    source = _open(str(link.parent))
    before = source.published("2024-01", "2024-01")
    assert before == {"2024-01": source.fetch("2024-01", tmp_path).fingerprint}
    os.utime(file, (0, 0))
    assert source.published("2024-01", "2024-01") != before


def test_a_link_to_nothing_is_no_month(tmp_path: Path) -> None:
    (tmp_path / "green_tripdata_2024-01.parquet").symlink_to(tmp_path / "gone")
    assert _open(str(tmp_path)).published("2024-01", "2024-01") == {}


def test_a_folder_named_like_a_month_is_no_month(tmp_path: Path) -> None:
    (tmp_path / "green_tripdata_2024-01.parquet").mkdir()
    assert _open(str(tmp_path)).published("2024-01", "2024-01") == {}


def test_a_replaced_file_has_another_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "green_tripdata_2024-01.parquet"
    path.write_bytes(b"PAR1")
    source = _open(str(tmp_path))
    before = source.published("2024-01", "2024-01")
    path.write_bytes(b"PAR1PAR1")
    assert source.published("2024-01", "2024-01") != before


def test_of_a_file_beside_and_one_in_the_folder_of_the_service_the_first_counts(
    sample_folder: Path, tmp_path: Path
) -> None:
    name = "green_tripdata_2024-01.parquet"
    _copy(sample_folder / name, tmp_path / "there" / name, age=100)
    _copy(sample_folder / name, tmp_path / "there" / "green" / name, age=200)
    source = _open(str(tmp_path / "there"))
    assert source.published("2024-01", "2024-01") == {"2024-01": source.fetch("2024-01", tmp_path).fingerprint}


def test_150_months_of_a_folder_cost_one_listing(tmp_path: Path, listed: list[str]) -> None:
    for month in MONTHS:
        (tmp_path / f"green_tripdata_{month}.parquet").touch()
    assert list(_open(str(tmp_path)).published(MONTHS[0], MONTHS[-1])) == MONTHS
    assert listed == [f"{tmp_path}/"]


def test_a_folder_with_one_for_each_service_costs_two(tmp_path: Path, listed: list[str]) -> None:
    (tmp_path / "green").mkdir()
    for month in MONTHS:
        (tmp_path / "green" / f"green_tripdata_{month}.parquet").touch()
    assert list(_open(str(tmp_path)).published(MONTHS[0], MONTHS[-1])) == MONTHS
    assert listed == [f"{tmp_path}/", f"{tmp_path}/green/"]


def test_folders_of_years_are_listed_once_each_where_they_exist(tmp_path: Path, listed: list[str]) -> None:
    months = month_range("2022-03", "2023-02")
    for month in months:
        path = tmp_path / "green" / month[:4] / f"{month[5:]}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    source = _open(f"{tmp_path}/{{service}}/{{year}}/{{month}}.parquet")
    assert list(source.published(MONTHS[0], MONTHS[-1])) == months
    assert listed == [f"{tmp_path}/green/{below}" for below in ("", "2022/", "2023/")]


@pytest.mark.parametrize("service", ["green", "yellow"])
def test_a_folder_without_months_has_published_nothing(tmp_path: Path, service: str) -> None:
    (tmp_path / "blue_tripdata_2024-01.parquet").touch()
    assert _open(str(tmp_path), service).published("2024-01", "2024-02") == {}


@pytest.mark.parametrize(
    ("uri", "missing"),
    [("/gone", "/gone/"), ("/gone/{service}/{year}/{month}.parquet", "/gone/green/"), ("/file", "/file/")],
)
def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path, uri: str, missing: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceUnavailableError, match=rf"^{tmp_path}{missing} is not there.*TAXI_TRIPS_URI"):
        _open(f"{tmp_path}{uri}").published("2024-01", "2024-02")


def test_a_file_that_is_still_being_written_is_published_once_it_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "green_tripdata_2024-01.parquet"
    path.write_bytes(b"PAR1")
    source = _open(str(tmp_path))
    assert source.published("2024-01", "2024-01", settled_seconds=SETTLED_SECONDS) == {}
    os.utime(path, (time.time() - SETTLED_SECONDS - 1,) * 2)
    assert list(source.published("2024-01", "2024-01", settled_seconds=SETTLED_SECONDS)) == ["2024-01"]


def test_without_a_time_to_settle_a_file_counts_at_once(tmp_path: Path) -> None:
    (tmp_path / "green_tripdata_2024-01.parquet").touch()
    assert list(_open(str(tmp_path)).published("2024-01", "2024-01")) == ["2024-01"]


def test_a_file_from_the_future_is_published(tmp_path: Path) -> None:
    path = tmp_path / "green_tripdata_2024-01.parquet"
    path.touch()
    os.utime(path, (time.time() + 86_400,) * 2)
    assert list(_open(str(tmp_path)).published("2024-01", "2024-01", settled_seconds=SETTLED_SECONDS)) == ["2024-01"]


def test_while_a_month_is_written_another_place_does_not_stand_in_for_it(tmp_path: Path) -> None:
    name = "green_tripdata_2024-01.parquet"
    (tmp_path / "green").mkdir()
    (tmp_path / "green" / name).touch()
    os.utime(tmp_path / "green" / name, (0, 0))
    (tmp_path / name).touch()
    assert _open(str(tmp_path)).published("2024-01", "2024-01", settled_seconds=SETTLED_SECONDS) == {}
