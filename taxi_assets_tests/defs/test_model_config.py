"""What can be set of the models: the course's values are the default, and the Launchpad shows them."""

from math import exp
from typing import Any

import pytest

from taxi_assets.defs import sklearn_models, xgboost_model
from taxi_assets.defs.sklearn_models import SklearnConfig
from taxi_assets.defs.xgboost_model import XGBoostConfig
from taxi_assets.storage.publish import FolderStore
from taxi_assets.training.model import ModelRecord
from taxi_assets.training.model_files import load_record
from taxi_assets.training.search_spaces import SKLEARN_CLASSES
from taxi_assets_tests.defs.running import QUICK_XGBOOST, Resources, failure_of, materialize

LASSO = "linear_model.Lasso"

COURSE_XGBOOST = {
    "colsample_bytree": [0.5, 1.0],
    "gamma": [0.1, 1.0],
    "learning_rate": [exp(-3), 1.0],
    "min_child_weight": [exp(-1), exp(3)],
    "num_boost_round": [500, 1000],
    "reg_alpha": [exp(-5), exp(-1)],
    "reg_lambda": [exp(-6), exp(-1)],
    "subsample": [0.1, 1.0],
}

COURSE_SKLEARN = {
    "linear_model.LinearRegression": {},
    LASSO: {"alpha": [0.0001, 1.0], "max_iter": [1000, 5000]},
    "svm.LinearSVR": {"epsilon": [0.0, 1.0], "C": [exp(-7), exp(3)], "max_iter": [1000, 5000]},
    "ensemble.RandomForestRegressor": {
        "max_depth": [5, 45],
        "min_samples_leaf": [1, 10],
        "min_samples_split": [2, 20],
        "n_estimators": [10, 60],
    },
    "ensemble.ExtraTreesRegressor": {
        "max_depth": [5, 30],
        "min_samples_leaf": [1, 10],
        "min_samples_split": [2, 20],
        "n_estimators": [10, 40],
    },
    "ensemble.GradientBoostingRegressor": {
        "learning_rate": [exp(-5), 1.0],
        "max_depth": [5, 40],
        "min_samples_leaf": [1, 10],
        "min_samples_split": [2, 20],
        "n_estimators": [10, 50],
    },
}


def launchpad_default(module: Any, field: str) -> Any:
    """What the Launchpad fills in for a field of an asset's config."""
    return module.ASSET.node_def.config_schema.config_type.fields[field].default_value


def record_of(store: FolderStore, key: str) -> ModelRecord:
    return store.read(key, lambda folder, _: load_record(folder))


def test_the_bounds_are_those_of_the_course() -> None:
    assert XGBoostConfig().space == COURSE_XGBOOST
    assert SklearnConfig().space == COURSE_SKLEARN
    assert set(COURSE_SKLEARN) == set(SKLEARN_CLASSES)


def test_the_launchpad_shows_the_bounds_of_the_course() -> None:
    assert launchpad_default(xgboost_model, "space") == COURSE_XGBOOST
    assert launchpad_default(sklearn_models, "space") == COURSE_SKLEARN


@pytest.mark.parametrize(
    ("field", "value"), [("max_evaluations", 3), ("early_stopping_rounds", 3), ("max_depth", 10), ("random_state", 7)]
)
def test_the_launchpad_shows_the_settings_of_the_course(field: str, value: int) -> None:
    assert launchpad_default(xgboost_model, field) == value


def test_xgboost_keeps_to_the_bounds_that_are_set_and_else_to_the_courses(
    resources: Resources, filled_store: FolderStore
) -> None:
    space = {"learning_rate": [0.3, 0.31], "num_boost_round": [10, 20]}
    config = QUICK_XGBOOST.model_copy(update={"space": space, "max_evaluations": 4})
    assert materialize(resources, "xgboost_model", config={"xgboost_model": config}).success
    trials = record_of(filled_store, "xgboost_model").trials
    assert len(trials) == 4
    for trial in trials:
        assert trial.parameters.keys() == COURSE_XGBOOST.keys()
        for name, (low, high) in (COURSE_XGBOOST | space).items():
            assert low <= trial.parameters[name] <= high


def test_a_class_keeps_to_the_bounds_that_are_set_for_it(resources: Resources, filled_store: FolderStore) -> None:
    space = {LASSO: {"alpha": [0.2, 0.21]}, "svm.LinearSVR": {"C": [1.0, 2.0]}}
    config = SklearnConfig(space=space, max_evaluations=3)
    assert materialize(resources, "sklearn_models", partition=LASSO, config={"sklearn_models": config}).success
    for trial in record_of(filled_store, f"sklearn_models/{LASSO}").trials:
        assert 0.2 <= trial.parameters["alpha"] <= 0.21
        assert 1000 <= trial.parameters["max_iter"] <= 5000


def test_the_settings_of_xgboost_reach_its_fits(resources: Resources, filled_store: FolderStore) -> None:
    config = QUICK_XGBOOST.model_copy(update={"max_depth": 2, "early_stopping_rounds": 4, "random_state": 11})
    assert materialize(resources, "xgboost_model", config={"xgboost_model": config}).success
    record = record_of(filled_store, "xgboost_model")
    parameters = {name: record.parameters[name] for name in ("max_depth", "early_stopping_rounds", "seed")}
    assert parameters == {"max_depth": 2, "early_stopping_rounds": 4, "seed": 11}
    assert record.random_state == 11


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"learning_rate": [0.5, 0.1]}, "learning_rate=[0.5, 0.1]: the lowest value must be under the highest"),
        ({"learning_rate": [0.0, 0.1]}, "learning_rate=[0.0, 0.1]: its logarithm is drawn"),
        ({"num_boost_round": [15, 20]}, "num_boost_round=[15.0, 20.0]: give multiples of 10"),
        ({"subsample": [0.5]}, "subsample=[0.5]: give two numbers"),
        ({"subsample": [0.5, float("inf")]}, "subsample=[0.5, inf]: give two numbers"),
        ({"depth": [1, 2]}, "'depth' has no bounds here"),
    ],
    ids=str,
)
def test_impossible_bounds_fail_with_the_name_of_the_parameter(
    space: dict[str, list[float]], message: str, resources: Resources, filled_store: FolderStore
) -> None:
    before = filled_store.existing("xgboost_model")
    config = XGBoostConfig(space=space)
    result = materialize(resources, "xgboost_model", config={"xgboost_model": config})
    assert message in failure_of(result, "xgboost_model")
    assert filled_store.existing("xgboost_model") == before


def test_bounds_of_what_is_chosen_are_refused(resources: Resources) -> None:
    linear = "linear_model.LinearRegression"
    config = SklearnConfig(space={linear: {"fit_intercept": [0, 1]}})
    result = materialize(resources, "sklearn_models", partition=linear, config={"sklearn_models": config})
    assert "'fit_intercept' has no bounds here" in failure_of(result, "sklearn_models")


def test_bounds_of_a_class_that_there_is_not_are_refused(resources: Resources) -> None:
    config = SklearnConfig(space={"linear_model.Laso": {"alpha": [0.2, 0.3]}})
    result = materialize(resources, "sklearn_models", partition=LASSO, config={"sklearn_models": config})
    assert "linear_model.Laso" in failure_of(result, "sklearn_models")


@pytest.mark.parametrize("setting", ["max_evaluations", "early_stopping_rounds", "max_depth"])
def test_a_setting_of_zero_fails_with_its_name(setting: str, resources: Resources) -> None:
    config = QUICK_XGBOOST.model_copy(update={setting: 0})
    result = materialize(resources, "xgboost_model", config={"xgboost_model": config})
    assert f"{setting}=0: at least 1 is needed" in failure_of(result, "xgboost_model")
