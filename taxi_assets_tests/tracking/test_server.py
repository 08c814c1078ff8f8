"""A real tracking server, as MLFLOW_TRACKING_URI names one."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from taxi_assets.tracking.history import moves, rollback
from taxi_assets.tracking.promotion import Decision
from taxi_assets_tests.tracking.deployment import BAD, GOOD, LASSO, Deployment

pytestmark = pytest.mark.slow

PATIENCE = 120
"""Seconds that the server may take to start on a busy machine."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[str]:
    """The address of a server with an empty database."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "server.db").write_bytes(empty_database.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/server.db",
        "--artifacts-destination",
        str(folder / "files"),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "TAXI_"))}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def test_models_are_tracked_compared_and_rolled_back_on_a_server(
    server: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    deployment = Deployment()
    assert deployment.train_and_promote(LASSO, **BAD).decision == Decision.FIRST
    logged = deployment.train(LASSO, **GOOD)
    assert deployment.promote().decision == Decision.WON
    trips = deployment.validation().trips
    assert np.array_equal(deployment.load(2).final_fit.predict(trips), logged.model.final_fit.predict(trips))
    rollback(deployment.tracking)
    assert [(move.kind, move.version) for move in moves(deployment.tracking)] == [
        ("first", 1),
        ("won", 2),
        ("rolled back", 1),
    ]
    assert deployment.tracking.run_url(logged.run_id).startswith(f"{server}/#/experiments/")
    assert not list((home / "mlflow").rglob("model.skops"))
