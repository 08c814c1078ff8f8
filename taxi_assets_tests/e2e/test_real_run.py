"""The main job on the real months, with the figures that are known of them."""

from pathlib import Path

import pytest

from taxi_assets_tests.e2e.conftest import Run, only_json

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


def test_the_real_window_has_the_known_shapes_and_errors(taxi: Run, real_data: Path) -> None:
    result = taxi(
        *("run", "--months", "2024-01:2024-02", "--split", "2024-02-01", "--json"),
        *("--models", "xgboost,LinearRegression"),
        TAXI_TRIPS_URI=str(real_data / "green"),
    )
    assert result.returncode == 0, result.stderr
    summary = only_json(result)
    assert summary["shapes"] == {"X": [105_870, 7_027], "X_train": [54_378, 5_094], "X_val": [51_492, 5_094]}
    assert summary["checks"]["failed"] == 0
    errors = {model["name"]: model["rmse"] for model in summary["models"]}
    assert errors["linear_model.LinearRegression"] == pytest.approx(5.995, abs=0.005)
    assert 5.1 < errors["xgboost_model"] < 5.4


def test_without_months_the_newest_two_of_the_folder_are_taken(taxi: Run, real_data: Path) -> None:
    result = taxi("run", "--json", "--models", "LinearRegression", TAXI_TRIPS_URI=str(real_data))
    assert result.returncode == 0, result.stderr
    assert only_json(result)["months"] == ["2024-01", "2024-02"]


def test_months_of_two_schemas_make_one_training_set(taxi: Run, real_data: Path) -> None:
    result = taxi(
        *("run", "--json", "--models", "LinearRegression", "--months", "2023-01:2023-03"),
        TAXI_TRIPS_URI=str(real_data / "green"),
    )
    assert result.returncode == 0, result.stderr
    summary = only_json(result)
    assert summary["months"] == ["2023-01", "2023-02", "2023-03"]
    assert summary["shapes"]["X_train"][0] > summary["shapes"]["X_val"][0]
