"""A web site of this machine that has months, and fails as it is told."""

import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest


@dataclass
class Site:
    """Files by path, how the next requests fail, and what was asked.

    Attributes:
        head_status: what every HEAD is answered with, if not with the file's headers.
        together: how many requests wait for each other before they are answered.
        requests: the method and the path of each request.
        most_at_once: the most requests that were under way at the same time.
        broken_off: bodies that the other side did not want to the end.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    missing_status: int = 404
    statuses: dict[str, int] = field(default_factory=dict)
    first_statuses: list[int] = field(default_factory=list)
    head_status: int | None = None
    cut_after: int | None = None
    together: threading.Barrier | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    downloads: int = 0
    broken_off: int = 0

    def wait_for_broken_off(self, number: int) -> None:
        """Wait until that many bodies were broken off by the other side."""
        deadline = time.monotonic() + 20
        while self.broken_off < number:
            assert time.monotonic() < deadline, f"{self.broken_off} of {number} bodies were broken off"
            time.sleep(0.01)


@pytest.fixture
def no_pause_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a web site that stumbles be asked again at once."""
    monkeypatch.setattr("taxi_assets.trips.http_source.PAUSE_SECONDS", 0.0)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A running site without files."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    site = Site()
    lock = threading.Lock()
    under_way = 0

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._count_and_answer(body=False)

        def do_GET(self) -> None:
            self._count_and_answer(body=True)

        def _count_and_answer(self, body: bool) -> None:
            nonlocal under_way
            with lock:
                under_way += 1
                site.most_at_once = max(site.most_at_once, under_way)
                site.requests.append((self.command, self.path))
            if site.together:
                site.together.wait(20)
            with lock:
                under_way -= 1
            self._answer(body)

        def _answer(self, body: bool) -> None:
            content = site.files.get(self.path)
            if site.first_statuses:
                self.send_error(site.first_statuses.pop(0))
                return
            if site.head_status and not body:
                self.send_error(site.head_status)
                return
            if self.path in site.moved:
                self.send_response(302)
                self.send_header("Location", site.moved[self.path])
                self.end_headers()
                return
            if content is None or self.path in site.statuses:
                self.send_error(site.statuses.get(self.path, site.missing_status))
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            if self.path in site.etags:
                self.send_header("ETag", site.etags[self.path])
            if self.path in site.changed:
                self.send_header("Last-Modified", site.changed[self.path])
            self.end_headers()
            if body:
                site.downloads += 1
                try:
                    self.wfile.write(content[: site.cut_after])
                except ConnectionError:
                    site.broken_off += 1

        def log_message(self, *arguments: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join()
