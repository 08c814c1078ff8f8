"""All seven models from the registry, by our loader and by plain MLflow."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from taxi_assets.tracking.registry import LoadedVersion, load_version, versions
from taxi_assets.training.search_spaces import MODEL_NAMES
from taxi_assets_tests.tracking.conftest import Seven
from taxi_assets_tests.tracking.deployment import LASSO, mlflow_at
from taxi_assets_tests.training.quick import records

FITS = ("training_fit", "final_fit")


def number_of(seven: Seven, name: str) -> int:
    """The number of the version of a model."""
    (found,) = [version for version in versions(seven[0].tracking) if version.model == name]
    return found.version


def loaded(seven: Seven, name: str) -> LoadedVersion:
    return load_version(seven[0].tracking, seven[0].version(number_of(seven, name)))


def plain(seven: Seven, name: str = LASSO) -> Any:
    """A version as any program with MLflow loads it."""
    import mlflow.pyfunc

    with mlflow_at(seven[0].tracking):
        return mlflow.pyfunc.load_model(f"models:/nyc-taxi-duration/{number_of(seven, name)}")


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("name", MODEL_NAMES)
def test_our_loader_gives_a_fit_that_predicts_as_the_fitted_one(seven: Seven, name: str, fit: str) -> None:
    trips = seven[0].validation().trips
    expected = getattr(seven[1][name].model, fit).predict(trips)
    assert np.array_equal(getattr(loaded(seven, name), fit).predict(trips), expected)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_our_loader_gives_the_record(seven: Seven, name: str) -> None:
    assert loaded(seven, name).record == seven[1][name].record


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_plain_mlflow_predicts_raw_records_as_the_final_fit(seven: Seven, name: str) -> None:
    model = plain(seven, name)
    expected = seven[1][name].model.final_fit.predict(records())
    strings = pd.DataFrame(records())
    integers = strings.astype({"PULocationID": int, "DOLocationID": int})
    assert np.array_equal(model.predict(strings), expected)
    assert np.array_equal(model.predict(integers), expected)


def test_plain_mlflow_takes_records_as_a_list(seven: Seven) -> None:
    expected = seven[1][LASSO].model.final_fit.predict(records())
    assert np.array_equal(plain(seven).predict(records()), expected)


def test_plain_mlflow_takes_one_record(seven: Seven) -> None:
    expected = seven[1][LASSO].model.final_fit.predict(records()[:1])
    assert np.array_equal(plain(seven).predict(records()[0]), expected)


def test_plain_mlflow_takes_columns_in_another_order_and_more_of_them(seven: Seven) -> None:
    expected = seven[1][LASSO].model.final_fit.predict(records())
    frame = pd.DataFrame(records())[["trip_distance", "DOLocationID", "PULocationID"]].assign(fare=1.0)
    assert np.array_equal(plain(seven).predict(frame), expected)


@pytest.mark.parametrize("type_", ["int64", "int32", "float32"])
def test_plain_mlflow_takes_a_distance_of_whole_miles(seven: Seven, type_: str) -> None:
    expected = seven[1][LASSO].model.final_fit.predict(records(2.0))
    assert np.array_equal(plain(seven).predict(pd.DataFrame(records()).astype({"trip_distance": type_})), expected)


def test_plain_mlflow_takes_a_record_of_whole_miles(seven: Seven) -> None:
    expected = seven[1][LASSO].model.final_fit.predict(records(2.0))
    assert np.array_equal(plain(seven).predict([record | {"trip_distance": 2} for record in records()]), expected)


@pytest.mark.parametrize("distance", [2.0, 2])
def test_mlflow_models_predict_takes_json(seven: Seven, tmp_path: Path, distance: float) -> None:
    import mlflow.models

    source, target = tmp_path / "records.json", tmp_path / "minutes.json"
    mixed = [record | {"PULocationID": int(record["PULocationID"])} for record in records(distance)]
    source.write_text(json.dumps({"dataframe_records": mixed}))
    with mlflow_at(seven[0].tracking):
        mlflow.models.predict(
            f"models:/nyc-taxi-duration/{number_of(seven, LASSO)}",
            input_path=str(source),
            output_path=str(target),
            env_manager="local",
        )
    predictions = json.loads(target.read_text())["predictions"]
    assert predictions == seven[1][LASSO].model.final_fit.predict(records(2.0)).tolist()


@pytest.mark.parametrize(
    "wrong",
    [
        {"PULocationID": "74", "DOLocationID": "75"},
        {"PULocationID": "74", "trip_distance": 2.0},
        {"PULocationID": "74", "DOLocationID": "75", "trip_distance": "abc"},
        {"PULocationID": "74", "DOLocationID": "75", "trip_distance": float("nan")},
        {"PULocationID": "74", "DOLocationID": "75", "trip_distance": None},
        {"PULocationID": None, "DOLocationID": "75", "trip_distance": 2.0},
        {"PULocationID": 74.5, "DOLocationID": "75", "trip_distance": 2.0},
    ],
)
def test_plain_mlflow_refuses_a_wrong_record(seven: Seven, wrong: dict[str, Any]) -> None:
    model = plain(seven)
    with pytest.raises(Exception, match=r"trip_distance|PULocationID|DOLocationID"):
        model.predict(pd.DataFrame([wrong]))


def test_loading_leaves_the_environment_as_it_was(seven: Seven) -> None:
    before = dict(os.environ)
    loaded(seven, LASSO)
    assert dict(os.environ) == before
