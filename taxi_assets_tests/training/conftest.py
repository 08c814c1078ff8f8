"""A small training set, and the seven models, each trained on it once for all tests."""

from collections.abc import Callable
from functools import cache

import pyarrow as pa
import pytest

from taxi_assets.features import TrainingSet, build_training_set
from taxi_assets.training.model import TrainedModel
from taxi_assets.trips import clean_trips
from taxi_assets_tests.training.quick import train

ModelOf = Callable[[str], TrainedModel]


@pytest.fixture(scope="session")
def trips(sample_trips: pa.Table) -> pa.Table:
    """The clean trips of both small months."""
    return clean_trips(sample_trips)


@pytest.fixture(scope="session")
def data(trips: pa.Table) -> TrainingSet:
    """Their training set: the first month trains, the second validates."""
    return build_training_set(trips)


@pytest.fixture(scope="session")
def model_of(data: TrainingSet) -> ModelOf:
    """Gives the model of a name, trained on `data`."""
    return cache(lambda name: train(name, data))


@pytest.fixture(scope="session")
def model_again_of(data: TrainingSet) -> ModelOf:
    """As `model_of`, trained a second time."""
    return cache(lambda name: train(name, data))
