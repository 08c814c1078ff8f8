"""What anyone would expect of an answer, whichever rows the model learned from."""

import numpy as np
import pyarrow as pa
import pytest

from taxi_assets.training.search_spaces import MODEL_NAMES
from taxi_assets_tests.training.conftest import ModelOf
from taxi_assets_tests.training.quick import XGBOOST_NAME, records

SHARES = [0.1, 0.3, 0.5, 0.7, 0.9]
"""Distances to ask for, as shares of the trips that are shorter: beyond them a model has little to go by."""

TOLERANCE = 0.5
"""Minutes by which a longer trip may come out shorter: boosted trees are not monotone."""


@pytest.mark.parametrize("fit", ["training_fit", "final_fit"])
def test_longer_trips_take_no_less_time_on_average(fit: str, model_of: ModelOf, trips: pa.Table) -> None:
    pipeline = getattr(model_of(XGBOOST_NAME), fit)
    distances = np.quantile(trips["trip_distance"].to_numpy(), SHARES)
    minutes = [float(np.mean(pipeline.predict(records(miles)))) for miles in distances]
    assert min(np.diff(minutes)) > -TOLERANCE, minutes
    assert minutes[-1] > 2 * minutes[0]


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_zone_is_the_same_as_text_and_as_a_number(name: str, model_of: ModelOf) -> None:
    as_text = records()
    as_numbers = [
        trip | {"PULocationID": int(trip["PULocationID"]), "DOLocationID": int(trip["DOLocationID"])}
        for trip in as_text
    ]
    fit = model_of(name).final_fit
    assert np.array_equal(fit.predict(as_text), fit.predict(as_numbers))


@pytest.mark.parametrize("name", ["linear_model.LinearRegression", "svm.LinearSVR"])
def test_the_zones_matter(name: str, model_of: ModelOf) -> None:
    """The others see too few trips of a pair here to tell it from the rest."""
    assert np.ptp(model_of(name).final_fit.predict(records())) > 0.1


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_pair_of_zones_that_nobody_went_between_gets_an_ordinary_answer(name: str, model_of: ModelOf) -> None:
    trip = {"PULocationID": "1", "DOLocationID": "2", "trip_distance": 3.0}
    assert 1 < model_of(name).final_fit.predict([trip])[0] < 60


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_the_answer_does_not_depend_on_the_other_trips_asked_for(name: str, model_of: ModelOf) -> None:
    fit, trips = model_of(name).final_fit, records()
    alone = [fit.predict([trip])[0] for trip in trips]
    assert fit.predict(trips[::-1])[::-1] == pytest.approx(alone, rel=1e-6)
