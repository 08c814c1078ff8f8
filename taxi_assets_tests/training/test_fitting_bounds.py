"""A training keeps to the bounds that it is given."""

import pytest

from taxi_assets.errors import SettingError
from taxi_assets.features import TrainingSet
from taxi_assets.training.search_spaces import MODEL_NAMES
from taxi_assets_tests.training.quick import XGBOOST_NAME, train

FOREST = {"n_estimators": [10, 20], "max_depth": [5, 10], "min_samples_leaf": [11, 12], "min_samples_split": [30, 32]}

BOUNDS: dict[str, dict[str, list[float]]] = {
    "linear_model.Lasso": {"alpha": [2.0, 2.5], "max_iter": [100, 200]},
    "svm.LinearSVR": {"epsilon": [1.5, 2.0], "C": [0.001, 0.002], "max_iter": [500, 600]},
    "ensemble.RandomForestRegressor": FOREST,
    "ensemble.ExtraTreesRegressor": FOREST,
    "ensemble.GradientBoostingRegressor": FOREST | {"max_depth": [2, 3], "learning_rate": [0.001, 0.004]},
    XGBOOST_NAME: {
        "colsample_bytree": [0.2, 0.3],
        "gamma": [3.0, 4.0],
        "learning_rate": [0.02, 0.03],
        "min_child_weight": [30.0, 40.0],
        "num_boost_round": [10, 20],
        "reg_alpha": [2.0, 3.0],
        "reg_lambda": [4.0, 5.0],
        "subsample": [0.05, 0.09],
    },
}
"""Bounds that have next to nothing in common with those of the course."""

IMPOSSIBLE = [
    ("linear_model.Lasso", "alpha", [-2, -1]),
    ("linear_model.Lasso", "max_iter", [-100, 0]),
    ("svm.LinearSVR", "epsilon", [-1, -0.5]),
    ("ensemble.RandomForestRegressor", "min_samples_split", [0, 1]),
    ("ensemble.RandomForestRegressor", "max_depth", [-5, 0]),
    ("ensemble.GradientBoostingRegressor", "n_estimators", [-10, 0]),
    (XGBOOST_NAME, "colsample_bytree", [1.5, 2]),
    (XGBOOST_NAME, "num_boost_round", [-10, 0]),
    (XGBOOST_NAME, "gamma", [-2, -1]),
]


@pytest.mark.parametrize("name", BOUNDS)
def test_trials_and_fit_keep_to_changed_bounds(name: str, data: TrainingSet) -> None:
    record = train(name, data, space=BOUNDS[name], max_evaluations=2).record
    fitted = record.parameters | ({"num_boost_round": 10} if name == XGBOOST_NAME else {})
    for parameters in (*(trial.parameters for trial in record.trials), fitted):
        assert [key for key, (low, high) in BOUNDS[name].items() if not low <= parameters[key] <= high] == []


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_bounds_of_a_parameter_that_is_not_searched_are_refused_by_name(name: str, data: TrainingSet) -> None:
    with pytest.raises(SettingError, match="'weather' has no bounds"):
        train(name, data, space={"weather": [0, 1]})


@pytest.mark.parametrize(("name", "parameter", "bounds"), IMPOSSIBLE)
def test_bounds_that_the_model_cannot_take_are_refused_by_name(
    name: str, parameter: str, bounds: list[float], data: TrainingSet
) -> None:
    with pytest.raises(SettingError, match=parameter):
        train(name, data, space={parameter: bounds})
