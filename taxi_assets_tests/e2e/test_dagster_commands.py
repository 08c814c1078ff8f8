"""Dagster's own commands on the project, as the README shows them."""

import subprocess
from pathlib import Path

import dagster as dg
import pytest

from taxi_assets.settings import PROJECT_ROOT
from taxi_assets_tests.e2e.conftest import Run
from taxi_assets_tests.e2e.daemon import Deployment

pytestmark = pytest.mark.slow


@pytest.fixture
def shell(command: Run, home: Path) -> Run:
    """Run a line in a shell that was set up with `taxi env`."""

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return command("bash", "-c", f'set -e; setup="$(taxi env)"; eval "$setup"; {line}')

    return run


def materialized(home: Path, asset: str) -> set[str]:
    """The partitions of an asset that Dagster knows as materialised."""
    with dg.DagsterInstance.from_config(str(PROJECT_ROOT)) as instance:
        return set(instance.get_materialized_partitions(dg.AssetKey(asset)))


def test_the_definitions_load_from_the_workspace(shell: Run) -> None:
    result = shell("dagster definitions validate")
    assert result.returncode == 0, result.stderr
    assert "All code locations passed validation" in result.stdout + result.stderr


def test_the_newer_commands_work_beside_the_workspace(shell: Run) -> None:
    assert "All definitions loaded successfully" in (checked := shell("dg check defs")).stdout + checked.stderr
    listed = shell("dg list defs --json")
    assert listed.returncode == 0, listed.stderr
    for name in ("raw_trips", "clean_trips", "training_set", "sklearn_models", "xgboost_model", "ingest_months"):
        assert f'"{name}"' in listed.stdout


def test_the_commands_of_the_readme_materialise_month_by_month_and_class_by_class(
    shell: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (
        "dagster asset materialize -m taxi_assets.definitions --select raw_trips,clean_trips --partition 2024-01-01",
        "dg launch --assets raw_trips,clean_trips --partition 2024-02-01",
        "dagster asset materialize -m taxi_assets.definitions --select training_set,xgboost_model",
        "dagster asset materialize -m taxi_assets.definitions --select sklearn_models --partition linear_model.Lasso",
        "dagster asset materialize -m taxi_assets.definitions --select champion_model",
        "taxi predict --pu 236 --do 239 --distance 1.98",
    )
    for line in lines:
        result = shell(line)
        assert result.returncode == 0, f"{line}\n{result.stdout}\n{result.stderr}"
    monkeypatch.setenv("TAXI_HOME", str(home))
    assert materialized(home, "clean_trips") == {"2024-01-01", "2024-02-01"}
    assert materialized(home, "sklearn_models") == {"linear_model.Lasso"}


def test_the_daemon_backfills_months_one_run_each(
    shell: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXI_HOME", str(home))
    source = {"TAXI_TRIPS_URI": "sample", "TAXI_SAMPLE_MONTHS": "2024-01:2024-04"}
    deployment = Deployment(home, tmp_path, **source)
    deployment.start("-w", "workspace.yaml")
    try:
        launched = shell(
            "dagster job backfill -w workspace.yaml --job ingest_months --from 2024-01-01 --to 2024-02-01 --noprompt"
        )
        assert launched.returncode == 0, launched.stderr
        months = {"2024-01-01", "2024-02-01"}
        deployment.wait_until(lambda _: months <= materialized(home, "clean_trips"), "the backfill")
    finally:
        deployment.stop()
    runs = [run for run in deployment.runs() if run.job_name == "ingest_months"]
    of_backfill = {run.tags["dagster/partition"] for run in runs if "dagster/backfill" in run.tags}
    of_sensor = {run.tags["dagster/partition"] for run in runs if "dagster/sensor_name" in run.tags}
    assert (of_backfill, of_sensor) == (months, {"2024-03-01", "2024-04-01"}), "the sensor takes the newest two"
    assert len(runs) == 4
