"""What is searched is what the course project searches."""

from collections.abc import Mapping
from math import e, log
from typing import Any

import numpy as np
import pytest
from hyperopt.pyll.stochastic import sample

from taxi_assets.errors import SettingError
from taxi_assets.training.dimensions import Space
from taxi_assets.training.search_spaces import MODEL_NAMES, SKLEARN_CLASSES, XGBOOST, sklearn_class

SEEDS = range(200)

SPACES: Mapping[str, Mapping[str, Any]] = {
    "linear_model.LinearRegression": {"fit_intercept": {True, False}},
    "linear_model.Lasso": {"alpha": (0.0001, 1.0), "max_iter": range(1000, 5001, 100)},
    "svm.LinearSVR": {"epsilon": (0.0, 1.0), "C": (e**-7, e**3), "max_iter": range(1000, 5001, 100)},
    "ensemble.RandomForestRegressor": {
        "max_depth": range(5, 46, 5),
        "min_samples_leaf": range(1, 11),
        "min_samples_split": range(2, 21),
        "n_estimators": range(10, 61, 10),
    },
    "ensemble.ExtraTreesRegressor": {
        "max_depth": range(5, 31, 5),
        "min_samples_leaf": range(1, 11),
        "min_samples_split": range(2, 21, 2),
        "n_estimators": range(10, 41, 10),
    },
    "ensemble.GradientBoostingRegressor": {
        "learning_rate": (e**-5, 1.0),
        "max_depth": range(5, 41),
        "min_samples_leaf": range(1, 11),
        "min_samples_split": range(2, 21),
        "n_estimators": range(10, 51, 10),
    },
    "xgboost_model": {
        "colsample_bytree": (0.5, 1.0),
        "gamma": (0.1, 1.0),
        "learning_rate": (e**-3, 1.0),
        "min_child_weight": (e**-1, e**3),
        "num_boost_round": range(500, 1001, 10),
        "reg_alpha": (e**-5, e**-1),
        "reg_lambda": (e**-6, e**-1),
        "subsample": (0.1, 1.0),
    },
}
"""By model and parameter: the choices, the whole numbers, or the bounds of a real number."""

LOGARITHMIC = {"C", "learning_rate", "min_child_weight", "reg_alpha", "reg_lambda"}

PARAMETERS = [(name, parameter) for name, space in SPACES.items() for parameter in space]


def expressions(space: Space) -> dict[str, Any]:
    """A space as hyperopt's."""
    return {label: dimension.expression(label) for label, dimension in space.items()}


@pytest.fixture(scope="module")
def samples() -> dict[str, list[dict[str, Any]]]:
    """Samples of each model's space."""
    models = {**SKLEARN_CLASSES, XGBOOST.name: XGBOOST}
    return {
        name: [sample(expressions(model.space), np.random.default_rng(seed)) for seed in SEEDS]
        for name, model in models.items()
    }


def test_the_seven_models_are_those_of_the_course() -> None:
    assert set(MODEL_NAMES) == set(SPACES)
    assert list(SKLEARN_CLASSES) == [name for name in SPACES if name != "xgboost_model"]


@pytest.mark.parametrize("name", SPACES)
def test_exactly_these_parameters_are_searched(name: str, samples: dict[str, list[dict[str, Any]]]) -> None:
    assert {frozenset(drawn) for drawn in samples[name]} == {frozenset(SPACES[name])}


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_samples_lie_within_bounds_and_steps_and_have_python_types(
    name: str, parameter: str, samples: dict[str, list[dict[str, Any]]]
) -> None:
    allowed = SPACES[name][parameter]
    kind = {set: bool, range: int, tuple: float}[type(allowed)]
    for drawn in samples[name]:
        value = drawn[parameter]
        within = allowed[0] <= value <= allowed[1] if kind is float else value in allowed
        assert within, value
        assert isinstance(value, kind)
        assert kind is bool or not isinstance(value, bool)


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_samples_reach_from_end_to_end(name: str, parameter: str, samples: dict[str, list[dict[str, Any]]]) -> None:
    allowed = SPACES[name][parameter]
    scale = log if parameter in LOGARITHMIC else float
    drawn = [scale(sampled[parameter]) for sampled in samples[name]]
    low, high = (scale(bound) for bound in (min(allowed), max(allowed)))
    assert min(drawn) <= low + 0.05 * (high - low)
    assert max(drawn) >= high - 0.05 * (high - low)


@pytest.mark.parametrize("parameter", sorted(LOGARITHMIC - {"C"}))
def test_logarithmic_parameters_have_their_middle_on_the_logarithmic_scale(
    parameter: str, samples: dict[str, list[dict[str, Any]]]
) -> None:
    low, high = (log(bound) for bound in SPACES["xgboost_model"][parameter])
    mean = np.mean([log(drawn[parameter]) for drawn in samples["xgboost_model"]])
    assert mean == pytest.approx((low + high) / 2, abs=0.1 * (high - low))


@pytest.mark.parametrize("name", SKLEARN_CLASSES)
def test_samples_make_an_estimator_of_the_named_class(name: str, samples: dict[str, list[dict[str, Any]]]) -> None:
    model = sklearn_class(name)
    estimator = model.estimator(samples[name][0], random_state=3)
    assert type(estimator).__name__ == name.rpartition(".")[2]
    expected = samples[name][0] | ({"random_state": 3} if model.seeded else {})
    assert estimator.get_params().items() >= expected.items()


@pytest.mark.parametrize("name", ["linear_model.Ridge", "Lasso", "", "os.system"])
def test_an_unknown_class_is_refused_and_the_known_ones_are_named(name: str) -> None:
    with pytest.raises(SettingError, match=r"linear_model\.Lasso") as caught:
        sklearn_class(name)
    assert repr(name) in str(caught.value)
