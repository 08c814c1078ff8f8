"""What a web site has published: asked for in headers, many months at once."""

import socket
import threading
import time
from pathlib import Path

import pytest

from taxi_assets.errors import SettingError, SourceUnavailableError
from taxi_assets.trips.http_source import TRIES
from taxi_assets.trips.months import month_range
from taxi_assets.trips.source import TripSource, open_source
from taxi_assets_tests.trips.conftest import Site

TEMPLATE = "{service}_tripdata_{year}-{month}.parquet"
JANUARY = "/green_tripdata_2024-01.parquet"
CHANGED = "Mon, 05 Feb 2024 10:00:00 GMT"
MONTHS = month_range("2012-01", "2024-06")


pytestmark = pytest.mark.usefixtures("no_pause_between_tries")


@pytest.fixture
def january(site: Site, sample_folder: Path) -> Site:
    site.files[JANUARY] = (sample_folder / JANUARY.lstrip("/")).read_bytes()
    return site


def _open(address: str) -> TripSource:
    return open_source(address, "green", sample_months="2024-01", sample_rows=1, sample_seed=1, attempts=1)


def _publish(site: Site, months: list[str]) -> None:
    for month in months:
        site.files[f"/green_tripdata_{month}.parquet"] = b"PAR1"
        site.etags[f"/green_tripdata_{month}.parquet"] = f'"{month}"'


@pytest.mark.parametrize(
    ("etags", "changed"), [({JANUARY: '"abc-1"'}, {}), ({}, {JANUARY: CHANGED}), ({JANUARY: 'W/"x"'}, {}), ({}, {})]
)
def test_the_fingerprint_is_the_one_that_fetch_gives(
    january: Site, tmp_path: Path, etags: dict[str, str], changed: dict[str, str]
) -> None:
    january.etags, january.changed = etags, changed
    source = _open(january.address)
    assert source.published("2023-12", "2024-02") == {"2024-01": source.fetch("2024-01", tmp_path).fingerprint}


def test_without_an_etag_the_size_and_the_date_are_the_fingerprint(january: Site) -> None:
    january.changed[JANUARY] = CHANGED
    size = len(january.files[JANUARY])
    assert _open(january.address).published("2024-01", "2024-01") == {"2024-01": f"size:{size} mtime:{CHANGED}"}


def test_a_month_that_lies_elsewhere_is_asked_for_there(january: Site, tmp_path: Path) -> None:
    january.moved[JANUARY], january.files["/elsewhere"] = "/elsewhere", january.files.pop(JANUARY)
    january.etags["/elsewhere"] = '"abc-1"'
    source = _open(january.address)
    assert source.published("2024-01", "2024-01") == {"2024-01": "etag:abc-1"}
    assert january.requests == [("HEAD", JANUARY), ("HEAD", "/elsewhere")]
    assert source.fetch("2024-01", tmp_path).fingerprint == "etag:abc-1"


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_month_that_the_site_does_not_have_is_left_out(january: Site, status: int) -> None:
    january.missing_status = status
    assert list(_open(january.address).published("2023-11", "2024-03")) == ["2024-01"]


def test_a_site_without_any_month_has_published_nothing(site: Site) -> None:
    site.missing_status = 403
    assert _open(site.address).published("2024-01", "2024-03") == {}


def test_a_site_may_have_a_folder_for_each_service(january: Site) -> None:
    january.files[f"/green{JANUARY}"] = january.files.pop(JANUARY)
    assert list(_open(january.address).published("2023-12", "2024-02")) == ["2024-01"]


def test_150_months_cost_one_head_each_and_no_download(site: Site) -> None:
    _publish(site, MONTHS)
    published = _open(f"{site.address}/{TEMPLATE}").published(MONTHS[0], MONTHS[-1])
    assert published == {month: f"etag:{month}" for month in MONTHS}
    assert sorted(site.requests) == [("HEAD", f"/green_tripdata_{month}.parquet") for month in MONTHS]


def test_sixteen_are_asked_for_at_once(site: Site) -> None:
    # When sixteen have come, a seventeenth has a moment to come too.
    site.together = threading.Barrier(16, action=lambda: time.sleep(0.1))
    months = MONTHS[:32]
    _publish(site, months)
    assert list(_open(f"{site.address}/{TEMPLATE}").published(months[0], months[-1])) == months
    assert site.most_at_once == 16


@pytest.mark.parametrize("status", [405, 501])
def test_where_a_head_is_refused_a_get_is_broken_off_after_its_headers(site: Site, status: int) -> None:
    _publish(site, ["2024-01", "2024-02"])
    site.files["/green_tripdata_2024-01.parquet"] = site.files["/green_tripdata_2024-02.parquet"] = bytes(30_000_000)
    site.head_status = status
    published = _open(f"{site.address}/{TEMPLATE}").published("2024-01", "2024-03")
    assert published == {"2024-01": "etag:2024-01", "2024-02": "etag:2024-02"}
    site.wait_for_broken_off(2)


def test_where_a_head_is_refused_the_fingerprint_is_the_same(january: Site, tmp_path: Path) -> None:
    january.head_status = 405
    january.changed[JANUARY] = CHANGED
    source = _open(january.address)
    assert source.published("2024-01", "2024-01") == {"2024-01": source.fetch("2024-01", tmp_path).fingerprint}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_one_month_that_fails_fails_the_look(site: Site, status: int) -> None:
    _publish(site, MONTHS)
    site.statuses["/green_tripdata_2018-03.parquet"] = status
    with pytest.raises(SourceUnavailableError, match=rf"green_tripdata_2018-03\.parquet cannot be read: {status}"):
        _open(f"{site.address}/{TEMPLATE}").published(MONTHS[0], MONTHS[-1])


def test_a_site_that_fails_is_not_asked_for_every_month(site: Site) -> None:
    _publish(site, MONTHS)
    site.missing_status = 500
    with pytest.raises(SourceUnavailableError, match="500"):
        _open(f"{site.address}/failing/{TEMPLATE}").published(MONTHS[0], MONTHS[-1])
    # Another look takes long enough for what is left of the first one, if anything were.
    _open(f"{site.address}/{TEMPLATE}").published(MONTHS[0], MONTHS[-1])
    asked = [path for _, path in site.requests if path.startswith("/failing")]
    assert len(set(asked)) <= 2 * 16
    assert len(asked) <= 2 * 16 * TRIES


def test_a_site_that_does_not_answer_in_time_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("taxi_assets.trips.http_source.HEADERS_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        source = _open(f"http://127.0.0.1:{silent.getsockname()[1]}/{TEMPLATE}")
        with pytest.raises(SourceUnavailableError, match=r"2024-01\.parquet cannot be read: no answer in time"):
            source.published("2024-01", "2024-01")


def test_a_port_where_nobody_listens_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(SourceUnavailableError, match=rf"^{address}/.* cannot be read: .*127\.0\.0\.1"):
            _open(address).published("2023-01", "2024-02")


def test_messages_show_no_password_and_no_token(site: Site) -> None:
    site.missing_status = 500
    address = site.address.replace("http://", "http://somebody:hush@")
    source = _open(f"{address}/{TEMPLATE}?sig=secret")
    with pytest.raises(SourceUnavailableError) as failed:
        source.published("2024-01", "2024-01")
    for text in (str(failed.value), source.address("2024-01")):
        assert f"{site.address}/green_tripdata_2024-01.parquet" in text
        assert not {word for word in ("somebody", "hush", "secret") if word in text}


@pytest.mark.parametrize("host", ["127.0.0.1:port", "[nowhere", "somebody:hush@"])
def test_what_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(SettingError, match="TAXI_TRIPS_URI") as refused:
        _open(f"http://{host}/{TEMPLATE}").published("2024-01", "2024-01")
    assert "hush" not in str(refused.value)


def test_a_range_that_ends_before_it_begins_is_refused(site: Site) -> None:
    with pytest.raises(SettingError, match="end before they begin"):
        _open(site.address).published("2024-02", "2024-01")
