"""An MLflow that does not answer, or refuses: one clear line that tells what to do, and no password."""

import socket
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from taxi_assets.errors import TrackingError
from taxi_assets.settings import load_settings
from taxi_assets.tracking.connection import EXPERIMENT, open_tracking
from taxi_assets_tests.tracking.deployment import Deployment


class NotMlflow(BaseHTTPRequestHandler):
    """A web server that is no MLflow."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web_server() -> Iterator[str]:
    """The address of a web server that is no MLflow."""
    server = HTTPServer(("127.0.0.1", 0), NotMlflow)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def error_at(uri: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> TrackingError:
    """The error of the way to an MLflow at an address."""
    monkeypatch.setenv("TAXI_HOME", str(home))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError) as caught:
        open_tracking(load_settings())
    return caught.value


def test_a_server_that_is_down_is_named_with_what_to_do(
    nobody: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = str(error_at(f"http://{nobody}", tmp_path, monkeypatch))
    assert f"MLflow at http://{nobody}" in message
    assert "unset MLFLOW_TRACKING_URI" in message
    assert "\n" not in message


@pytest.mark.parametrize("tail", ["", "/", "/mlflow"])
def test_the_password_of_the_address_is_not_in_the_message(
    nobody: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: str
) -> None:
    assert "secret" not in str(error_at(f"http://me:secret@{nobody}{tail}", tmp_path, monkeypatch))


def test_the_password_of_the_address_is_not_in_what_dagster_shows_of_the_causes(
    nobody: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = error_at(f"http://me:secret@{nobody}", tmp_path, monkeypatch)
    assert "secret" not in "".join(traceback.format_exception(error))


def test_a_server_that_never_answers_is_given_up(
    silent_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    assert silent_server in str(error_at(f"http://{silent_server}", tmp_path, monkeypatch))


def test_a_web_server_that_is_no_mlflow_is_named(
    web_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = str(error_at(f"http://me:secret@{web_server}", tmp_path, monkeypatch))
    assert f"MLflow at http://{web_server}" in message
    assert "secret" not in message


@pytest.mark.parametrize("uri", ["foo://x", "postgresql://me:secret@127.0.0.1:1/x", "sqlite:////dev/null/mlflow.db"])
def test_an_address_that_cannot_be_used_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    message = str(error_at(uri, tmp_path, monkeypatch))
    assert "MLFLOW_TRACKING_URI" in message
    assert "secret" not in message


def test_a_damaged_local_file_is_named(home: Path) -> None:
    (home / "mlflow" / "mlflow.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(TrackingError, match=r"mlflow\.db does not answer .* damaged"):
        open_tracking(load_settings())


def test_an_experiment_that_was_deleted_is_named_with_what_to_do(deployment: Deployment) -> None:
    deployment.tracking.client.delete_experiment(deployment.tracking.experiment_id)
    with pytest.raises(TrackingError, match=f"{EXPERIMENT} was deleted: restore it"):
        open_tracking(load_settings())
