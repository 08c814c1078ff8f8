"""From clean trips to a training set."""

import numpy as np
import pyarrow as pa

from taxi_assets.errors import SettingError
from taxi_assets.features.encoder import FeatureColumns, TripEncoder
from taxi_assets.features.split import inner_rows, split_rows
from taxi_assets.features.training_set import TrainingSet


def build_training_set(
    trips: pa.Table,
    split_on_feature: str = "pickup_datetime",
    split_on_feature_value: str = "2024-02-01",
    target: str = "duration",
    feature_set: str = "course",
) -> TrainingSet:
    """Encode clean trips and split them in training and validation rows, in their order.

    Args:
        trips: n trips as `clean_trips` gives them.
        split_on_feature: the column that decides: rows below the value train, the others validate.
        split_on_feature_value: the value, as text; a time in ISO 8601.
        target: the column to predict, in minutes for `duration`.
        feature_set: name of the features to encode.

    Raises:
        SettingError: a column, the value or the feature set does not exist or fit, or a side is empty.
        RecordError: a trip lacks a value that the features need.
    """
    if target not in trips.column_names or not pa.types.is_floating(trips.schema.field(target).type):
        numeric = [field.name for field in trips.schema if pa.types.is_floating(field.type)]
        raise SettingError(f"target={target!r} cannot be predicted: it is one of {', '.join(numeric)}.")
    training = split_rows(trips, split_on_feature, split_on_feature_value)
    y = trips.column(target).to_numpy().astype(np.float64, copy=False)
    pickups = trips.column("pickup_datetime").to_numpy()
    features = FeatureColumns.of(trips, feature_set)
    training_features = features.select(training)
    encoder_all = TripEncoder(feature_set).fit_features(features)
    encoder = TripEncoder(feature_set).fit_features(training_features)
    return TrainingSet(
        X=encoder_all.transform_features(features),
        X_train=encoder.transform_features(training_features),
        X_val=encoder.transform_features(features.select(~training)),
        y=y,
        y_train=y[training],
        y_val=y[~training],
        encoder=encoder,
        encoder_all=encoder_all,
        inner=inner_rows(pickups[training]),
    )
