"""The seven models, and what is searched for each. Bounds and constants are those of the course project."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, get_args

from taxi_assets.errors import SettingError
from taxi_assets.storage.locations import XGBOOST_MODEL

Space = dict[str, Any]

SelectOn = Literal["training", "validation"]
"""What a search looks at: an inner split of the training rows, or the validation rows."""

SELECT_ON: tuple[SelectOn, ...] = get_args(SelectOn)


@dataclass(frozen=True)
class ModelClass:
    """A class of models.

    Attributes:
        name: the name users see, and the partition key of scikit-learn classes.
        space: makes the hyperopt space of its parameters.
        scaled: whether its features are brought to one scale first.
        seeded: whether it takes a `random_state`.
        parallel: whether it takes `n_jobs`.
    """

    name: str
    space: Callable[[], Space]
    scaled: bool = False
    seeded: bool = True
    parallel: bool = False

    def estimator(self, parameters: Mapping[str, Any], random_state: int) -> Any:
        """An unfitted estimator of a scikit-learn class."""
        module, _, cls = self.name.partition(".")
        arguments = dict(parameters)
        if self.seeded:
            arguments["random_state"] = random_state
        if self.parallel:
            arguments["n_jobs"] = -1
        return getattr(import_module(f"sklearn.{module}"), cls)(**arguments)


def _whole(name: str, low: int, high: int, step: int = 1) -> Any:
    from hyperopt import hp
    from hyperopt.pyll import scope

    return scope.int(hp.quniform(name, low, high, step))


def _linear_regression() -> Space:
    from hyperopt import hp

    return {"fit_intercept": hp.choice("fit_intercept", [True, False])}


def _lasso() -> Space:
    from hyperopt import hp

    return {"alpha": hp.uniform("alpha", 0.0001, 1.0), "max_iter": _whole("max_iter", 1000, 5000, 100)}


def _linear_svr() -> Space:
    from hyperopt import hp

    return {
        "epsilon": hp.uniform("epsilon", 0.0, 1.0),
        "C": hp.loguniform("C", -7, 3),
        "max_iter": _whole("max_iter", 1000, 5000, 100),
    }


def _random_forest() -> Space:
    return {
        "max_depth": _whole("max_depth", 5, 45, 5),
        "min_samples_leaf": _whole("min_samples_leaf", 1, 10),
        "min_samples_split": _whole("min_samples_split", 2, 20),
        "n_estimators": _whole("n_estimators", 10, 60, 10),
    }


def _extra_trees() -> Space:
    return {
        "max_depth": _whole("max_depth", 5, 30, 5),
        "min_samples_leaf": _whole("min_samples_leaf", 1, 10),
        "min_samples_split": _whole("min_samples_split", 2, 20, 2),
        "n_estimators": _whole("n_estimators", 10, 40, 10),
    }


def _gradient_boosting() -> Space:
    from hyperopt import hp

    return {
        "learning_rate": hp.loguniform("learning_rate", -5, 0),
        "max_depth": _whole("max_depth", 5, 40),
        "min_samples_leaf": _whole("min_samples_leaf", 1, 10),
        "min_samples_split": _whole("min_samples_split", 2, 20),
        "n_estimators": _whole("n_estimators", 10, 50, 10),
    }


def _xgboost() -> Space:
    """`max_depth` is not searched: the final fit fixes it, so the trials must be judged with the same depth."""
    from hyperopt import hp

    return {
        "colsample_bytree": hp.uniform("colsample_bytree", 0.5, 1.0),
        "gamma": hp.uniform("gamma", 0.1, 1.0),
        "learning_rate": hp.loguniform("learning_rate", -3, 0),
        "min_child_weight": hp.loguniform("min_child_weight", -1, 3),
        "num_boost_round": _whole("num_boost_round", 500, 1000, 10),
        "reg_alpha": hp.loguniform("reg_alpha", -5, -1),
        "reg_lambda": hp.loguniform("reg_lambda", -6, -1),
        "subsample": hp.uniform("subsample", 0.1, 1.0),
    }


SKLEARN_CLASSES: Mapping[str, ModelClass] = {
    model.name: model
    for model in (
        ModelClass("linear_model.LinearRegression", _linear_regression, seeded=False),
        ModelClass("linear_model.Lasso", _lasso),
        ModelClass("svm.LinearSVR", _linear_svr, scaled=True),
        ModelClass("ensemble.RandomForestRegressor", _random_forest, parallel=True),
        ModelClass("ensemble.ExtraTreesRegressor", _extra_trees, parallel=True),
        ModelClass("ensemble.GradientBoostingRegressor", _gradient_boosting),
    )
}

XGBOOST = ModelClass(XGBOOST_MODEL, _xgboost)

MODEL_NAMES = (XGBOOST_MODEL, *SKLEARN_CLASSES)
"""All seven models, by the names that users see."""


def sklearn_class(name: str) -> ModelClass:
    """A scikit-learn class by its name.

    Raises:
        SettingError: it is none of the six.
    """
    if name not in SKLEARN_CLASSES:
        raise SettingError(f"The class {name!r} is unknown: it is one of {', '.join(SKLEARN_CLASSES)}.")
    return SKLEARN_CLASSES[name]
