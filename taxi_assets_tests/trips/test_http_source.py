"""Months from a web site that answers, refuses and breaks off."""

import socket
from pathlib import Path

import pytest
import tenacity

from taxi_assets.errors import MonthNotFoundError, SettingError, SourceUnavailableError, TripFileError
from taxi_assets.trips.source import TripSource, open_source
from taxi_assets_tests.conftest import ROWS
from taxi_assets_tests.trips.conftest import Site

JANUARY = "/green_tripdata_2024-01.parquet"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taxi_assets.trips.file_source.wait_exponential_jitter", lambda **_: tenacity.wait_none())


@pytest.fixture
def january(site: Site, sample_folder: Path) -> Site:
    site.files[JANUARY] = (sample_folder / JANUARY.lstrip("/")).read_bytes()
    return site


def _open(address: str, attempts: int = 4) -> TripSource:
    return open_source(address, "green", sample_months="2024-01", sample_rows=1, sample_seed=1, attempts=attempts)


def test_a_month_is_fetched_byte_for_byte(january: Site, tmp_path: Path) -> None:
    fetched = _open(january.address).fetch("2024-01", tmp_path)
    assert fetched.path.read_bytes() == january.files[JANUARY]
    assert fetched.content.rows == ROWS


def test_a_template_names_files_in_another_way(january: Site, tmp_path: Path) -> None:
    january.files["/green/2024/01.parquet"] = january.files.pop(JANUARY)
    source = _open(f"{january.address}/{{service}}/{{year}}/{{month}}.parquet")
    assert source.fetch("2024-01", tmp_path).content.rows == ROWS


def test_a_site_may_have_a_folder_for_each_service(january: Site, tmp_path: Path) -> None:
    january.files[f"/green{JANUARY}"] = january.files.pop(JANUARY)
    assert _open(january.address).fetch("2024-01", tmp_path).content.rows == ROWS


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_month_that_the_site_does_not_have_is_not_found(january: Site, tmp_path: Path, status: int) -> None:
    january.missing_status = status
    with pytest.raises(MonthNotFoundError, match="2024-03"):
        _open(january.address).fetch("2024-03", tmp_path)


def test_a_month_is_fetched_after_two_errors_of_the_server(january: Site, tmp_path: Path) -> None:
    january.first_statuses = [500, 500]
    assert _open(january.address).fetch("2024-01", tmp_path).content.rows == ROWS


def test_a_server_that_keeps_failing_is_given_up(january: Site, tmp_path: Path) -> None:
    january.missing_status = 500
    del january.files[JANUARY]
    with pytest.raises(SourceUnavailableError, match="500"):
        _open(january.address).fetch("2024-01", tmp_path)


@pytest.mark.parametrize("cut_after", [0, 1_000, -1])
def test_a_download_that_breaks_off_is_tried_again_and_given_up(january: Site, tmp_path: Path, cut_after: int) -> None:
    january.cut_after = cut_after
    with pytest.raises(SourceUnavailableError, match=JANUARY):
        _open(january.address, attempts=3).fetch("2024-01", tmp_path)
    assert january.downloads == 3


def test_a_port_where_nobody_listens_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        source = _open(f"http://127.0.0.1:{reserved.getsockname()[1]}", attempts=2)
        with pytest.raises(SourceUnavailableError, match="cannot be read"):
            source.fetch("2024-01", tmp_path)


def test_a_page_instead_of_a_month_is_refused_without_a_second_try(january: Site, tmp_path: Path) -> None:
    january.files[JANUARY] = b"<html>Moved</html>"
    with pytest.raises(TripFileError, match="not a whole parquet file"):
        _open(january.address).fetch("2024-01", tmp_path)
    assert january.downloads == 1


def test_the_etag_is_the_fingerprint(january: Site, tmp_path: Path) -> None:
    january.etags[JANUARY] = '"abc-1"'
    assert _open(january.address).fetch("2024-01", tmp_path).fingerprint == "etag:abc-1"


def test_a_file_that_was_replaced_has_another_fingerprint(january: Site, tmp_path: Path) -> None:
    source = _open(january.address)
    fingerprints = set()
    for etag in ('"1"', '"2"'):
        january.etags[JANUARY] = etag
        fingerprints.add(source.fetch("2024-01", tmp_path).fingerprint)
    assert len(fingerprints) == 2


def test_a_bad_template_is_refused(site: Site) -> None:
    with pytest.raises(SettingError, match="TAXI_TRIPS_URI"):
        _open(f"{site.address}/{{moon}}.parquet")
