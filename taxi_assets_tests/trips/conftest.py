"""A web site of this machine that has months, and fails as it is told."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest


@dataclass
class Site:
    """Files by path, and how the next requests fail."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    missing_status: int = 404
    first_statuses: list[int] = field(default_factory=list)
    cut_after: int | None = None
    downloads: int = 0


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A running site without files."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            content = site.files.get(self.path)
            if site.first_statuses:
                self.send_error(site.first_statuses.pop(0))
                return
            if content is None:
                self.send_error(site.missing_status)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            if self.path in site.etags:
                self.send_header("ETag", site.etags[self.path])
            self.end_headers()
            if body:
                site.downloads += 1
                self.wfile.write(content[: site.cut_after])

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join()
