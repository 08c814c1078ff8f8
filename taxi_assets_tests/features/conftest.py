"""Clean trips and the training set of the small synthetic months."""

import pyarrow as pa
import pytest

from taxi_assets.features import TrainingSet, build_training_set
from taxi_assets.trips import clean_trips


@pytest.fixture(scope="session")
def clean_sample(sample_trips: pa.Table) -> pa.Table:
    return clean_trips(sample_trips)


@pytest.fixture(scope="session")
def sample_set(clean_sample: pa.Table) -> TrainingSet:
    return build_training_set(clean_sample)
