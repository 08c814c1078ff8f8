"""LinearSVR has no use for miles as they come: one absurd distance would drown all else."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from taxi_assets.features import TrainingSet, build_training_set
from taxi_assets.training.model import TrainedModel
from taxi_assets_tests.training.quick import records, train

ABSURD_MILES = 200_000.0


@pytest.fixture(scope="module")
def model(trips: pa.Table) -> TrainedModel:
    """A model of trips of which one goes eight times around the earth."""
    distances = trips["trip_distance"].to_numpy().copy()
    distances[100] = ABSURD_MILES
    position = trips.schema.get_field_index("trip_distance")
    return train("svm.LinearSVR", build_training_set(trips.set_column(position, "trip_distance", pa.array(distances))))


@pytest.mark.parametrize("fit", ["training_fit", "final_fit"])
def test_features_are_scaled_before_the_fit(model: TrainedModel, fit: str) -> None:
    scaler = getattr(model, fit).named_steps["scaler"]
    assert scaler.max_abs_.max() == ABSURD_MILES


@pytest.mark.parametrize("fit", ["training_fit", "final_fit"])
@pytest.mark.parametrize("distance", [0.5, 5.0, 20.0])
def test_an_absurd_distance_leaves_ordinary_answers_ordinary(model: TrainedModel, fit: str, distance: float) -> None:
    predictions = getattr(model, fit).predict(records(distance))
    assert np.all((predictions > 1) & (predictions < 60))


def test_an_absurd_distance_leaves_the_model_better_than_the_mean(model: TrainedModel) -> None:
    assert model.record.metrics.rmse < model.record.mean_predictor.rmse


def test_trials_are_judged_on_scaled_features_too(data: TrainingSet) -> None:
    """In other units of distance the scaled features, and so the trials, are the same."""
    model = train("svm.LinearSVR", data)
    in_feet = train("svm.LinearSVR", replace(data, X_train=_in_feet(data.X_train)))
    assert in_feet.record.trials[0].rmse == pytest.approx(model.record.trials[0].rmse, rel=1e-6)


def _in_feet(matrix):  # type: ignore[no-untyped-def]
    scaled = matrix.copy()
    scaled.data = np.where(scaled.indices == matrix.shape[1] - 1, scaled.data * 5280, scaled.data)
    return scaled
