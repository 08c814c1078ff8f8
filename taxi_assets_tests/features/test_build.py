"""From clean trips to a training set."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from taxi_assets.errors import SettingError
from taxi_assets.features import TrainingSet, TripEncoder, build_training_set
from taxi_assets.features.feature_sets import FEATURE_SETS, Categorical, FeatureSet, Numeric
from taxi_assets_tests.features.reference import assert_equal, course_records, vectorize


def _training(trips: pa.Table) -> np.ndarray:
    return trips.column("pickup_datetime").to_numpy() < np.datetime64("2024-02-01")


def _pick(trips: pa.Table, rows: np.ndarray) -> pa.Table:
    return trips.filter(pa.array(rows))


def test_all_trips_are_encoded_with_the_vocabulary_of_all(clean_sample: pa.Table, sample_set: TrainingSet) -> None:
    records = course_records(clean_sample)
    assert_equal(sample_set.X, sample_set.encoder_all, *vectorize(records, records))


def test_the_training_trips_are_encoded_with_their_own_vocabulary(
    clean_sample: pa.Table, sample_set: TrainingSet
) -> None:
    records = course_records(_pick(clean_sample, _training(clean_sample)))
    assert_equal(sample_set.X_train, sample_set.encoder, *vectorize(records, records))


def test_the_validation_trips_are_encoded_with_the_vocabulary_of_training(
    clean_sample: pa.Table, sample_set: TrainingSet
) -> None:
    training = _training(clean_sample)
    known, others = (course_records(_pick(clean_sample, rows)) for rows in (training, ~training))
    assert_equal(sample_set.X_val, sample_set.encoder, *vectorize(known, others))


def test_targets_are_durations_in_the_order_of_the_trips(clean_sample: pa.Table, sample_set: TrainingSet) -> None:
    durations, training = clean_sample.column("duration").to_numpy(), _training(clean_sample)
    np.testing.assert_array_equal(sample_set.y, durations)
    np.testing.assert_array_equal(sample_set.y_train, durations[training])
    np.testing.assert_array_equal(sample_set.y_val, durations[~training])


def test_the_inner_rows_are_the_last_fifth_of_the_training_trips(
    clean_sample: pa.Table, sample_set: TrainingSet
) -> None:
    times = clean_sample.column("pickup_datetime").to_numpy()[_training(clean_sample)]
    assert sample_set.inner.sum() == len(times) // 5
    assert times[sample_set.inner].min() >= times[~sample_set.inner].max()


def test_the_shapes_are_consistent(sample_set: TrainingSet) -> None:
    assert sample_set.shapes() == sample_set.consistent_shapes()


def test_the_split_may_be_on_another_column(clean_sample: pa.Table) -> None:
    data = build_training_set(clean_sample, "trip_distance", "2.5")
    assert data.X_train[:, -1].max() < 2.5 <= data.X_val[:, -1].min()


def test_the_target_may_be_another_column(clean_sample: pa.Table) -> None:
    data = build_training_set(clean_sample, target="trip_distance")
    np.testing.assert_array_equal(data.y, clean_sample.column("trip_distance").to_numpy())


@pytest.mark.parametrize("target", ["tip_amount", "PU_DO", "pickup_datetime"])
def test_a_target_that_is_no_number_of_a_trip_is_refused(clean_sample: pa.Table, target: str) -> None:
    with pytest.raises(SettingError, match=f"target='{target}'.*trip_distance, duration"):
        build_training_set(clean_sample, target=target)


def test_an_unknown_feature_set_is_refused(clean_sample: pa.Table) -> None:
    with pytest.raises(SettingError, match="rich"):
        build_training_set(clean_sample, feature_set="rich")


def test_an_unknown_split_column_is_refused(clean_sample: pa.Table) -> None:
    with pytest.raises(SettingError, match="weather"):
        build_training_set(clean_sample, "weather", "1")


def test_a_new_feature_set_needs_no_other_change(monkeypatch: pytest.MonkeyPatch, clean_sample: pa.Table) -> None:
    features = (
        Categorical("PULocationID", pl.col("PULocationID")),
        Numeric("hour", pl.col("pickup_datetime").dt.hour()),
    )
    monkeypatch.setitem(FEATURE_SETS, "rich", FeatureSet("rich", features))
    data = build_training_set(clean_sample, feature_set="rich")
    zones = sorted({f"PULocationID={zone}" for zone in clean_sample.column("PULocationID").to_pylist()})
    assert data.encoder_all.get_feature_names_out().tolist() == [*zones, "hour"]
    assert data.shapes() == data.consistent_shapes()


def test_the_encoders_take_raw_trips(sample_trips: pa.Table, sample_set: TrainingSet) -> None:
    for encoder, width in (
        (sample_set.encoder, sample_set.X_train.shape[1]),
        (sample_set.encoder_all, sample_set.X.shape[1]),
    ):
        assert isinstance(encoder, TripEncoder)
        assert encoder.transform(sample_trips).shape == (sample_trips.num_rows, width)
