"""The newcomer's run: sample months, seven models, a prediction."""

from pathlib import Path

import pytest

from taxi_assets.training.search_spaces import MODEL_NAMES
from taxi_assets_tests.e2e.conftest import Run, digests, only_json

pytestmark = pytest.mark.slow


def test_the_main_job_trains_seven_models_and_says_how_good_they_are(taxi: Run) -> None:
    result = taxi("run", "--json")
    assert result.returncode == 0, result.stderr
    summary = only_json(result)
    assert summary["months"] == ["2024-01", "2024-02"]
    assert summary["source"] == "sample"
    assert [model["name"] for model in summary["models"]] == list(MODEL_NAMES)
    assert all(0 < model["mae"] < model["rmse"] < 60 for model in summary["models"])
    best = min(summary["models"], key=lambda model: model["rmse"])
    champion = summary["champion"]
    assert (champion["name"], champion["version"]) == (best["name"], 1)
    assert champion["rmse"] == pytest.approx(best["rmse"])
    assert summary["checks"]["failed"] == 0
    # five checks of each raw month, four of each clean one, three of training set and models, two of the champion
    assert summary["checks"]["passed"] + summary["checks"]["warned"] == 2 * (5 + 4) + 3 + 7 * 3 + 2
    rows = summary["shapes"]["X"][0]
    assert rows == summary["shapes"]["X_train"][0] + summary["shapes"]["X_val"][0]
    assert "trial 3 of 3" in result.stderr


def test_the_same_run_twice_stores_the_same_bytes(taxi: Run, home: Path) -> None:
    assert taxi("run").returncode == 0
    first = digests(home)
    assert taxi("run").returncode == 0
    assert digests(home) == first


def test_the_table_shows_shapes_models_and_the_best(taxi: Run) -> None:
    result = taxi("run", "--models", "LinearRegression,xgboost")
    assert result.returncode == 0, result.stderr
    for text in (
        "synthetic trips",
        "X_train",
        "RMSE (min)",
        "linear_model.LinearRegression",
        "Champion: Version 1",
        "Checks: 29 passed",
    ):
        assert text in result.stdout
    prediction = taxi("predict", "--pu", "236", "--do", "239", "--distance", "1.98")
    assert prediction.returncode == 0, prediction.stderr
    assert "minutes" in prediction.stdout
    assert "synthetic" in prediction.stdout


def test_more_evaluations_go_on_from_those_made_before(taxi: Run, home: Path) -> None:
    assert taxi("run", "--models", "Lasso", "--evals", "2").returncode == 0
    more = taxi("run", "--models", "Lasso", "--evals", "4")
    assert more.returncode == 0, more.stderr
    trials = [line.strip().split(":")[1] for line in more.stderr.splitlines() if ": trial " in line]
    assert trials == [" trial 3 of 4", " trial 4 of 4"]
    assert "2 of 4 trials were made before" in more.stderr
    (of_four,) = (path for path in digests(home) if path.endswith("model.json"))
    fresh = home.with_name("fresh")
    assert taxi("run", "--models", "Lasso", "--evals", "4", TAXI_HOME=str(fresh)).returncode == 0
    assert digests(fresh)[of_four] == digests(home)[of_four]


def test_selecting_on_the_validation_rows_says_so(taxi: Run) -> None:
    result = taxi("run", "--models", "Lasso", "--select-on", "validation")
    assert result.returncode == 0, result.stderr
    assert "--select-on validation" in result.stdout
