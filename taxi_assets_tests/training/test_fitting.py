"""A trained model: two fits from raw trips to minutes, and a true record of them."""

from dataclasses import replace
from datetime import datetime
from importlib.metadata import version

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler

from taxi_assets.errors import SettingError
from taxi_assets.features import TrainingSet
from taxi_assets.training.evaluation import evaluate_mean_predictor
from taxi_assets.training.search_spaces import MODEL_NAMES, sklearn_class
from taxi_assets_tests.training.conftest import ModelOf
from taxi_assets_tests.training.quick import PAIRS, SKLEARN_NAMES, XGBOOST_NAME, records, train

IMPOSSIBLE = [
    *((name, setting, value) for name in MODEL_NAMES for setting, value in [("max_evaluations", 0)]),
    ("linear_model.LinearRegression", "select_on", "luck"),
    ("linear_model.LinearRegression", "random_state", -1),
    (XGBOOST_NAME, "select_on", "luck"),
    (XGBOOST_NAME, "early_stopping_rounds", 0),
    (XGBOOST_NAME, "max_depth", 0),
    (XGBOOST_NAME, "random_state", -1),
    (XGBOOST_NAME, "device", "abacus"),
]


@pytest.fixture(scope="session")
def few_rows(data: TrainingSet) -> TrainingSet:
    """The first few hundred rows: trees grow quickly on them."""
    count = 400
    return replace(
        data,
        X=data.X[:count],
        y=data.y[:count],
        X_train=data.X_train[:count],
        y_train=data.y_train[:count],
        inner=np.arange(count) >= count * 4 // 5,
    )


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.parametrize("fit", ["training_fit", "final_fit"])
def test_each_fit_predicts_minutes_of_raw_records(name: str, fit: str, model_of: ModelOf) -> None:
    predictions = getattr(model_of(name), fit).predict(records())
    assert predictions.shape == (len(PAIRS),)
    assert np.all((predictions > 0) & (predictions < 60))


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_the_metrics_are_those_of_the_training_fit_on_the_raw_validation_trips(
    name: str, model_of: ModelOf, trips: pa.Table
) -> None:
    validation = trips.filter(pc.field("pickup_datetime") >= datetime(2024, 2, 1))  # noqa: DTZ001
    truth, predictions = validation["duration"].to_numpy(), model_of(name).training_fit.predict(validation)
    assert model_of(name).record.metrics.to_dict() == pytest.approx(
        {
            "rmse": root_mean_squared_error(truth, predictions),
            "mae": mean_absolute_error(truth, predictions),
            "r2": r2_score(truth, predictions),
        }
    )


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_training_twice_gives_equal_predictions_to_the_last_bit(
    name: str, model_of: ModelOf, model_again_of: ModelOf, trips: pa.Table
) -> None:
    first, second = model_of(name), model_again_of(name)
    assert first is not second
    assert np.array_equal(first.training_fit.predict(trips), second.training_fit.predict(trips))
    assert np.array_equal(first.final_fit.predict(trips), second.final_fit.predict(trips))


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_predicting_twice_gives_equal_answers_to_the_last_bit(name: str, model_of: ModelOf, trips: pa.Table) -> None:
    fit = model_of(name).final_fit
    assert np.array_equal(fit.predict(trips), fit.predict(trips))


@pytest.mark.parametrize("name", SKLEARN_NAMES)
def test_the_final_fit_is_that_of_the_same_parameters_on_all_rows(
    name: str, model_of: ModelOf, data: TrainingSet, trips: pa.Table
) -> None:
    model, record = sklearn_class(name), model_of(name).record
    steps = [("estimator", model.estimator(record.parameters, record.random_state))]
    if model.scaled:
        steps.insert(0, ("scaler", MaxAbsScaler()))
    expected = Pipeline(steps).fit(data.X, data.y).predict(data.X)
    assert np.allclose(model_of(name).final_fit.predict(trips), expected, rtol=1e-12)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_each_fit_has_the_encoder_of_its_rows(name: str, model_of: ModelOf, data: TrainingSet) -> None:
    model = model_of(name)
    for fit, encoder in ((model.training_fit, data.encoder), (model.final_fit, data.encoder_all)):
        assert fit.steps[0][1].get_feature_names_out().tolist() == encoder.get_feature_names_out().tolist()


@pytest.mark.parametrize("name", SKLEARN_NAMES)
def test_the_parameters_are_those_of_the_best_trial(name: str, few_rows: TrainingSet) -> None:
    record = train(name, few_rows, max_evaluations=3).record
    best = min(record.trials, key=lambda trial: trial.rmse)
    assert len(record.trials) == 3
    assert record.parameters == best.parameters


def test_the_record_tells_what_the_model_was_made_from(data: TrainingSet) -> None:
    record = train(
        "linear_model.LinearRegression", data, training_set="abc", facts={"months": ["2024-01"]}, random_state=11
    ).record
    assert (record.name, record.training_set, record.facts) == (
        "linear_model.LinearRegression",
        "abc",
        {"months": ["2024-01"]},
    )
    assert (record.random_state, record.select_on) == (11, "training")
    assert record.mean_predictor == evaluate_mean_predictor(data.y_train, data.y_val)
    assert record.libraries["scikit-learn"] == version("scikit-learn")
    assert record.libraries["xgboost"] == version("xgboost")


@pytest.mark.parametrize("name", ["ensemble.RandomForestRegressor", "ensemble.ExtraTreesRegressor"])
def test_forests_predict_with_one_thread(name: str, model_of: ModelOf) -> None:
    model = model_of(name)
    assert [fit.steps[-1][1].n_jobs for fit in (model.training_fit, model.final_fit)] == [1, 1]


def test_an_unknown_class_is_refused(data: TrainingSet) -> None:
    with pytest.raises(SettingError, match=r"linear_model\.Ridge"):
        train("linear_model.Ridge", data)


@pytest.mark.parametrize(("name", "setting", "value"), IMPOSSIBLE)
def test_an_impossible_setting_is_refused_by_its_name(
    name: str, setting: str, value: object, data: TrainingSet
) -> None:
    with pytest.raises(SettingError, match=setting):
        train(name, data, **{setting: value})
