"""Asking which months a web site has goes on after a fault that passes."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from taxi_assets.errors import SourceUnavailableError
from taxi_assets.trips import http_source
from taxi_assets.trips.source import TripSource, open_source
from taxi_assets_tests.trips.conftest import Site

JANUARY = "/green_tripdata_2024-01.parquet"
PUBLISHED = {"2024-01": "etag:a"}


pytestmark = pytest.mark.usefixtures("no_pause_between_tries")


@pytest.fixture
def january(site: Site) -> Site:
    site.files[JANUARY], site.etags[JANUARY] = b"PAR1", '"a"'
    return site


def _open(address: str) -> TripSource:
    template = f"{address}/{{service}}_tripdata_{{year}}-{{month}}.parquet"
    return open_source(template, "green", sample_months="2024-01", sample_rows=1, sample_seed=1, attempts=1)


@pytest.mark.parametrize("statuses", [[503], [500, 503]])
def test_a_month_is_asked_for_again_after_an_error_of_the_server(january: Site, statuses: list[int]) -> None:
    january.first_statuses = list(statuses)
    assert _open(january.address).published("2024-01", "2024-01") == PUBLISHED
    assert january.requests == [("HEAD", JANUARY)] * (len(statuses) + 1)


def test_one_month_of_many_that_is_refused_once_does_not_fail_the_look(site: Site) -> None:
    for month in range(1, 13):
        site.files[f"/green_tripdata_2023-{month:02d}.parquet"] = b"PAR1"
    site.first_statuses = [503]
    assert len(_open(site.address).published("2023-01", "2023-12")) == 12
    assert len(site.requests) == 13


def test_a_server_that_keeps_failing_is_unavailable(january: Site) -> None:
    january.head_status = 503
    with pytest.raises(SourceUnavailableError, match=r"2024-01\.parquet cannot be read: 503"):
        _open(january.address).published("2024-01", "2024-01")
    assert january.requests == [("HEAD", JANUARY)] * http_source.TRIES


@pytest.mark.parametrize("status", [403, 404])
def test_a_month_that_is_not_there_is_asked_for_once(site: Site, status: int) -> None:
    site.missing_status = status
    assert _open(site.address).published("2024-01", "2024-01") == {}
    assert len(site.requests) == 1


@pytest.mark.parametrize("status", [401, 429])
def test_a_refusal_that_lasts_is_not_tried_again(january: Site, status: int) -> None:
    january.statuses[JANUARY] = status
    with pytest.raises(SourceUnavailableError, match=str(status)):
        _open(january.address).published("2024-01", "2024-01")
    assert len(january.requests) == 1


def test_a_month_is_asked_for_again_after_a_pause(january: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_source, "PAUSE_SECONDS", 0.3)
    january.first_statuses = [503]
    start = time.monotonic()
    assert _open(january.address).published("2024-01", "2024-01") == PUBLISHED
    assert time.monotonic() - start >= 0.3


@dataclass
class Stumbling:
    """A server that does not answer its first connections, and any later one with the headers of a month.

    Two are left without an answer, since aiohttp itself connects anew once where a server closes.
    """

    address: str
    unanswered: int
    closes: bool
    connections: int = 0

    def serve(self, listening: socket.socket) -> None:
        kept = []
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                self.connections += 1
                if self.connections > self.unanswered:
                    connection.recv(65_536)
                    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: "a"\r\n\r\n')
                elif self.closes:
                    connection.close()
                kept.append(connection)
        for connection in kept:
            connection.close()


@pytest.fixture(params=[True, False], ids=["closes", "is silent"])
def stumbling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stumbling]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(http_source, "TRY_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Stumbling(f"http://127.0.0.1:{listening.getsockname()[1]}", unanswered=2, closes=request.param)
        thread = threading.Thread(target=server.serve, args=(listening,), daemon=True)
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_month_is_asked_for_again_after_a_connection_without_an_answer(stumbling: Stumbling) -> None:
    assert _open(stumbling.address).published("2024-01", "2024-01") == PUBLISHED
    assert stumbling.connections == 3


def test_a_server_that_never_answers_is_unavailable(stumbling: Stumbling) -> None:
    stumbling.unanswered = 100
    with pytest.raises(SourceUnavailableError, match=r"2024-01\.parquet cannot be read"):
        _open(stumbling.address).published("2024-01", "2024-01")


def test_all_tries_together_take_no_longer_than_one_may(stumbling: Stumbling, monkeypatch: pytest.MonkeyPatch) -> None:
    stumbling.unanswered = 100
    monkeypatch.setattr(http_source, "HEADERS_SECONDS", 0.5)
    monkeypatch.setattr(http_source, "PAUSE_SECONDS", 30.0)
    start = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="no answer in time"):
        _open(stumbling.address).published("2024-01", "2024-01")
    assert time.monotonic() - start < 10
