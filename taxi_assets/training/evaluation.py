"""How good predictions are."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[Any]


@dataclass(frozen=True)
class Metrics:
    """How far predictions are from the true values.

    Attributes:
        rmse: root of the mean squared error, in minutes.
        mae: mean absolute error, in minutes.
        r2: share of the variance explained (coefficient of determination); at most 1.
    """

    rmse: float
    mae: float
    r2: float

    def to_dict(self) -> dict[str, float]:
        """The figures by name."""
        return asdict(self)


def evaluate(truth: Vector, predictions: Vector) -> Metrics:
    """The metrics of n predictions against n true values."""
    errors = predictions - truth
    squared = float(np.mean(errors**2))
    variance = float(np.var(truth))
    r2 = 1 - squared / variance if variance > 0 else float(squared == 0)
    return Metrics(float(np.sqrt(squared)), float(np.mean(np.abs(errors))), r2)


def evaluate_mean_predictor(y_train: Vector, y_val: Vector) -> Metrics:
    """The metrics of always predicting the mean of the training targets: what a model must beat."""
    return evaluate(y_val, np.full(len(y_val), np.mean(y_train)))
