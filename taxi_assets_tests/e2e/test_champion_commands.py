"""What `taxi champion` shows and does, after real retrainings; and the registered model in plain MLflow."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from taxi_assets_tests.e2e.conftest import Run, only_json, run_command

pytestmark = pytest.mark.slow

TRIP = ("--pu", "236", "--do", "239", "--distance", "1.98")
GOOD = ("run", "--json", "--models", "xgboost", "--xgb-evals", "1")


@pytest.fixture(scope="module")
def taxi(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run `taxi` on the one home of this module."""
    return partial(run_command, "taxi", TAXI_HOME=str(tmp_path_factory.mktemp("champions")))


@pytest.fixture(scope="module")
def retrain(taxi: Run) -> Callable[..., Any]:
    """Run the main job; gives the champion that it names."""

    def run(*arguments: str) -> Any:
        result = taxi(*arguments)
        assert result.returncode == 0, result.stderr
        return only_json(result)["champion"]

    return run


@pytest.fixture(scope="module")
def champions(retrain: Callable[..., Any]) -> list[Any]:
    """The champion after each of three retrainings: the first model, a better one, a worse one."""
    return [
        retrain("run", "--json", "--models", "LinearRegression"),
        retrain(*GOOD),
        retrain("run", "--json", "--models", "Lasso", "--split", "2024-01-20"),
    ]


def test_a_better_model_becomes_champion_and_a_worse_one_does_not(champions: list[Any]) -> None:
    assert [(champion["name"], champion["version"]) for champion in champions] == [
        ("linear_model.LinearRegression", 1),
        ("xgboost_model", 2),
        ("xgboost_model", 2),
    ]
    assert "stays champion" in champions[2]["reason"]


def test_show_names_champion_and_challenger(taxi: Run, champions: list[Any]) -> None:
    shown = only_json(taxi("champion", "show", "--json"))
    assert (shown["champion"]["version"], shown["challenger"]["version"]) == (2, 3)
    assert "xgboost_model" in taxi("champion", "show").stdout


def test_history_tells_what_moved_the_champion(taxi: Run, champions: list[Any]) -> None:
    past = json.loads(taxi("champion", "history", "--json").stdout)
    assert [(move["version"], move["kind"]) for move in past] == [(1, "first"), (2, "won")]
    assert "RMSE" in past[1]["reason"]
    assert "there was none" in taxi("champion", "history").stdout


def test_plain_mlflow_predicts_raw_records_as_taxi_does(taxi: Run, champions: list[Any], tmp_path: Path) -> None:
    ours = only_json(taxi("predict", *TRIP, "--json"))
    assert ours["version"] == 2
    variables = dict(
        line.removeprefix("export ").split("=", 1)
        for line in taxi("env").stdout.splitlines()
        if line.startswith("export MLFLOW_")
    )
    trips = tmp_path / "trips.json"
    records = [
        {"PULocationID": "236", "DOLocationID": "239", "trip_distance": 1.98},
        {"PULocationID": 236, "DOLocationID": 239, "trip_distance": 1.98},
    ]
    trips.write_text(json.dumps({"dataframe_records": records}), encoding="utf-8")
    command = ("mlflow", "models", "predict", "--env-manager", "local", "-m", "models:/nyc-taxi-duration@champion")
    result = run_command(*command, "-t", "json", "-i", str(trips), **variables)
    assert result.returncode == 0, result.stderr
    theirs = json.loads(result.stdout)["predictions"]
    assert theirs == pytest.approx([ours["duration"]] * 2)


def test_a_rollback_stays_until_another_model_wins(
    taxi: Run, champions: list[Any], retrain: Callable[..., Any]
) -> None:
    back = taxi("champion", "rollback")
    assert back.returncode == 0, back.stderr
    assert "Version 1 (linear_model.LinearRegression) is champion" in back.stdout
    assert only_json(taxi("predict", *TRIP, "--json"))["version"] == 1
    assert retrain(*GOOD)["version"] == 1
    better = retrain("run", "--json", "--models", "xgboost", "--xgb-evals", "3")
    assert better["version"] > 3
    past = json.loads(taxi("champion", "history", "--json").stdout)
    assert [move["kind"] for move in past] == ["first", "won", "rolled back", "won"]


def test_a_version_that_is_not_there_is_refused(taxi: Run, champions: list[Any]) -> None:
    result = taxi("champion", "rollback", "--to", "99")
    assert result.returncode == 1
    assert "--to 99: there is no such version" in result.stderr


@pytest.mark.parametrize("command", ["show", "rollback"])
def test_before_the_first_run_there_is_no_champion(tmp_path: Path, command: str) -> None:
    result = run_command("taxi", "champion", command, TAXI_HOME=str(tmp_path / "new"))
    assert result.returncode == 1
    assert "`taxi run`" in result.stderr
    assert "Traceback" not in result.stderr
