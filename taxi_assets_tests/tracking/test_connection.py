"""The way to MLflow: what is made there, and what is left as it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taxi_assets.settings import load_settings
from taxi_assets.tracking.connection import EXPERIMENT, IMPATIENT, open_tracking
from taxi_assets_tests.tracking.deployment import LASSO, Deployment

PROCESSES = 4

OPEN = """
import sys
import mlflow
from taxi_assets.settings import load_settings
from taxi_assets.tracking.connection import open_tracking

print("ready", flush=True)
sys.stdin.readline()
print(open_tracking(load_settings()).experiment_id, flush=True)
"""


def test_the_experiment_is_made_once(home: Path) -> None:
    first, second = (open_tracking(load_settings()) for _ in range(2))
    assert first.experiment_id == second.experiment_id
    assert [found.name for found in first.client.search_experiments()].count(EXPERIMENT) == 1


@pytest.mark.slow
def test_processes_that_start_at_once_on_a_new_file_share_one_experiment(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"TAXI_HOME": str(tmp_path)},
        )
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES, results
    assert len({out for out, _ in results}) == 1


def test_without_an_address_all_lies_in_the_home(deployment: Deployment, home: Path) -> None:
    deployment.register(deployment.train(LASSO))
    assert deployment.tracking.uri == f"sqlite:///{home}/mlflow/mlflow.db"
    (path,) = (home / "mlflow" / "artifacts").rglob("model.skops")
    assert path.is_file()


def test_artifacts_of_a_database_file_elsewhere_lie_beside_it(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_database.read_bytes())
    monkeypatch.setenv("TAXI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    tracking = open_tracking(load_settings())
    place = tracking.client.get_experiment(tracking.experiment_id).artifact_location
    assert place == (tmp_path / "artifacts").as_uri()


def test_the_environment_is_as_before(home: Path) -> None:
    open_tracking(load_settings())
    assert not {"MLFLOW_TRACKING_URI", *IMPATIENT} & set(os.environ)


def test_what_a_user_set_in_the_environment_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {"MLFLOW_TRACKING_URI": load_settings().mlflow_uri, **dict.fromkeys(IMPATIENT, "3")}
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    open_tracking(load_settings())
    assert {name: os.environ[name] for name in mine} == mine


def test_a_model_can_be_registered_outside_of_an_active_run(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taxi_assets.tracking.promotion import promote
    from taxi_assets.tracking.runs import begin_run

    deployment.train(LASSO)
    run_id = begin_run(deployment.tracking, "champion_model", {})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    promote(deployment.tracking, deployment.store, run_id)
    assert deployment.champion() == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_links_lead_to_the_ui_of_the_local_mlflow(deployment: Deployment) -> None:
    tracking = deployment.tracking
    assert tracking.run_url("r") == f"http://127.0.0.1:5000/#/experiments/{tracking.experiment_id}/runs/r"


def test_links_lead_to_the_ui_that_is_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXI_MLFLOW_UI_URL", "https://mlflow.example/")
    assert (
        open_tracking(load_settings()).version_url(4) == "https://mlflow.example/#/models/nyc-taxi-duration/versions/4"
    )
