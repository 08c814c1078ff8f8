"""The seven models, and what is searched for each. Bounds and constants are those of the course project."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from math import exp
from typing import Any, Literal, get_args

from taxi_assets.errors import SettingError
from taxi_assets.storage.locations import XGBOOST_MODEL
from taxi_assets.training.dimensions import Choice, LogUniform, Space, Uniform, Whole

SelectOn = Literal["training", "validation"]
"""What a search looks at: an inner split of the training rows, or the validation rows."""

SELECT_ON: tuple[SelectOn, ...] = get_args(SelectOn)


@dataclass(frozen=True)
class ModelClass:
    """A class of models.

    Attributes:
        name: the name users see, and the partition key of scikit-learn classes.
        space: what is drawn for each of its parameters.
        scaled: whether its features are brought to one scale first.
        seeded: whether it takes a `random_state`.
        parallel: whether it takes `n_jobs`.
    """

    name: str
    space: Space
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


XGBOOST_SPACE: Space = {
    "colsample_bytree": Uniform(0.5, 1.0, most=1.0),
    "gamma": Uniform(0.1, 1.0),
    "learning_rate": LogUniform(exp(-3), 1.0),
    "min_child_weight": LogUniform(exp(-1), exp(3)),
    "num_boost_round": Whole(500, 1000, 10),
    "reg_alpha": LogUniform(exp(-5), exp(-1)),
    "reg_lambda": LogUniform(exp(-6), exp(-1)),
    "subsample": Uniform(0.1, 1.0, most=1.0),
}
"""`max_depth` is not searched: the final fit fixes it, so the trials must be judged with the same depth."""

SKLEARN_CLASSES: Mapping[str, ModelClass] = {
    model.name: model
    for model in (
        ModelClass("linear_model.LinearRegression", {"fit_intercept": Choice((True, False))}, seeded=False),
        ModelClass(
            "linear_model.Lasso",
            {"alpha": Uniform(0.0001, 1.0), "max_iter": Whole(1000, 5000, 100)},
        ),
        ModelClass(
            "svm.LinearSVR",
            {
                "epsilon": Uniform(0.0, 1.0),
                "C": LogUniform(exp(-7), exp(3)),
                "max_iter": Whole(1000, 5000, 100),
            },
            scaled=True,
        ),
        ModelClass(
            "ensemble.RandomForestRegressor",
            {
                "max_depth": Whole(5, 45, 5),
                "min_samples_leaf": Whole(1, 10),
                "min_samples_split": Whole(2, 20, least=2),
                "n_estimators": Whole(10, 60, 10),
            },
            parallel=True,
        ),
        ModelClass(
            "ensemble.ExtraTreesRegressor",
            {
                "max_depth": Whole(5, 30, 5),
                "min_samples_leaf": Whole(1, 10),
                "min_samples_split": Whole(2, 20, 2, least=2),
                "n_estimators": Whole(10, 40, 10),
            },
            parallel=True,
        ),
        ModelClass(
            "ensemble.GradientBoostingRegressor",
            {
                "learning_rate": LogUniform(exp(-5), 1.0),
                "max_depth": Whole(5, 40),
                "min_samples_leaf": Whole(1, 10),
                "min_samples_split": Whole(2, 20, least=2),
                "n_estimators": Whole(10, 50, 10),
            },
        ),
    )
}

XGBOOST = ModelClass(XGBOOST_MODEL, XGBOOST_SPACE)

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
