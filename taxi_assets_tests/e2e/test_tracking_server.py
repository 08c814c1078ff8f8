"""Tracking on a real `mlflow server`, and without one that answers."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from mlflow import MlflowClient

from taxi_assets_tests.e2e.conftest import BIN, Run, environment, only_json

pytestmark = pytest.mark.slow

TRIP = ("--pu", "236", "--do", "239", "--distance", "1.98")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a tracking server that keeps its runs and artifacts in a folder of its own."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(BIN / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/server.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            assert process.poll() is None, (folder / "log").read_text()
            try:
                urlopen(f"{address}/health", timeout=5).close()
                break
            except (URLError, OSError):
                time.sleep(0.5)
        else:
            pytest.fail((folder / "log").read_text())
        yield address
    finally:
        subprocess.run(["pkill", "-KILL", "--session", str(process.pid)], check=False)
        process.wait()


def test_a_run_is_tracked_registered_and_served_from_the_server(taxi: Run, home: Path, server: str) -> None:
    result = taxi("run", "--json", "--models", "LinearRegression", MLFLOW_TRACKING_URI=server)
    assert result.returncode == 0, result.stderr
    summary = only_json(result)
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name("nyc-taxi-experiment")
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert summary["models"][0]["mlflow_run_id"] in {run.info.run_id for run in runs}
    version = client.get_model_version_by_alias("nyc-taxi-duration", "champion")
    assert int(version.version) == summary["champion"]["version"]
    assert not (home / "mlflow" / "mlflow.db").exists()
    prediction = taxi("predict", *TRIP, "--json", MLFLOW_TRACKING_URI=server)
    assert prediction.returncode == 0, prediction.stderr
    assert only_json(prediction)["version"] == summary["champion"]["version"]


def test_without_an_answer_nothing_is_begun(taxi: Run, home: Path) -> None:
    result = taxi("run", MLFLOW_TRACKING_URI="http://taxi:secret@127.0.0.1:9")
    assert result.returncode == 1
    assert "MLflow at http://127.0.0.1:9 does not answer" in result.stderr
    assert "unset MLFLOW_TRACKING_URI" in result.stderr
    assert "secret" not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert not (home / "assets" / "raw_trips").exists()
