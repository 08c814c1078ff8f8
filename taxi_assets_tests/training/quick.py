"""Training that takes a second or two on the small set."""

from typing import Any

from taxi_assets.features import TrainingSet
from taxi_assets.training.fitting import train_sklearn_model, train_xgboost_model
from taxi_assets.training.model import TrainedModel
from taxi_assets.training.search_spaces import MODEL_NAMES, XGBOOST

XGBOOST_NAME = XGBOOST.name
SKLEARN_NAMES = [name for name in MODEL_NAMES if name != XGBOOST_NAME]

XGBOOST_OPTIONS: dict[str, Any] = {"max_evaluations": 1, "max_depth": 6, "random_state": 0}

PAIRS = [("74", "75"), ("75", "74"), ("166", "74"), ("41", "42"), ("95", "95")]
"""Zones of trips to ask for."""


def train(name: str, data: TrainingSet, **options: Any) -> TrainedModel:
    """Train any of the seven models."""
    if name == XGBOOST_NAME:
        return train_xgboost_model(data, **XGBOOST_OPTIONS | options)
    return train_sklearn_model(name, data, **options)


def records(distance: float = 2.0) -> list[dict[str, Any]]:
    """Raw records of a trip of this many miles between each pair of `PAIRS`."""
    return [{"PULocationID": pu, "DOLocationID": do, "trip_distance": distance} for pu, do in PAIRS]
