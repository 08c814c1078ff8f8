"""The numbers of the course's window: the real green 2024-01 and 2024-02, split at 2024-02-01."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Lasso, LinearRegression
from sklearn.metrics import root_mean_squared_error
from xgboost import XGBRegressor

from taxi_assets.features import TrainingSet, build_training_set
from taxi_assets.trips import clean_trips
from taxi_assets_tests.features.reference import assert_equal, course_records, vectorize

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def clean(real_trips: pa.Table) -> pa.Table:
    return clean_trips(real_trips)


@pytest.fixture(scope="module")
def data(clean: pa.Table) -> TrainingSet:
    return build_training_set(clean)


@pytest.fixture(scope="module")
def records(clean: pa.Table) -> list[dict]:
    return course_records(clean)


@pytest.fixture(scope="module")
def training(clean: pa.Table) -> np.ndarray:
    return clean.column("pickup_datetime").to_numpy() < np.datetime64("2024-02-01")


def test_the_shapes(data: TrainingSet) -> None:
    assert data.shapes() == {"X": (105_870, 7_027), "X_train": (54_378, 5_094), "X_val": (51_492, 5_094)}


def test_the_stored_entries(data: TrainingSet) -> None:
    assert (data.X_train.nnz, data.X_val.nnz) == (108_756, 100_582)


def test_the_sums_of_the_targets(data: TrainingSet) -> None:
    assert data.y_train.sum() == pytest.approx(749_253.4, abs=0.05)
    assert data.y_val.sum() == pytest.approx(712_605.2, abs=0.05)


def test_all_rows_equal_dict_vectorizers(data: TrainingSet, records: list[dict]) -> None:
    assert_equal(data.X, data.encoder_all, *vectorize(records, records))


def test_training_and_validation_rows_equal_dict_vectorizers(
    data: TrainingSet, records: list[dict], training: np.ndarray
) -> None:
    known = [record for record, trains in zip(records, training, strict=True) if trains]
    others = [record for record, trains in zip(records, training, strict=True) if not trains]
    assert_equal(data.X_train, data.encoder, *vectorize(known, known))
    assert_equal(data.X_val, data.encoder, *vectorize(known, others))


@pytest.mark.parametrize(
    ("model", "rmse", "tolerance"),
    [
        pytest.param(LinearRegression(), 5.9954, 0.005, id="LinearRegression"),
        pytest.param(Lasso(alpha=0.01, max_iter=1000), 8.029, 0.001, id="Lasso"),
        pytest.param(
            XGBRegressor(max_depth=10, learning_rate=0.1, n_estimators=100, random_state=42, tree_method="hist"),
            5.362,
            0.001,
            id="XGBoost",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            RandomForestRegressor(n_estimators=20, max_depth=20, random_state=7),
            5.40,
            0.01,
            id="RandomForest",
            marks=pytest.mark.slow,
        ),
        pytest.param(ExtraTreesRegressor(n_estimators=20, max_depth=20, random_state=7), 8.42, 0.01, id="ExtraTrees"),
        pytest.param(
            GradientBoostingRegressor(n_estimators=20, max_depth=10, random_state=0),
            5.48,
            0.01,
            id="GradientBoosting",
        ),
    ],
)
def test_a_model_of_fixed_settings_has_the_known_error(
    data: TrainingSet, model: Any, rmse: float, tolerance: float
) -> None:
    model.fit(data.X_train, data.y_train)
    assert root_mean_squared_error(data.y_val, model.predict(data.X_val)) == pytest.approx(rmse, abs=tolerance)
