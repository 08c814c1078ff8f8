"""Selection is honest: the validation rows decide nothing."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import root_mean_squared_error

from taxi_assets.features import TrainingSet
from taxi_assets.training.search_spaces import MODEL_NAMES, sklearn_class
from taxi_assets_tests.training.conftest import ModelOf
from taxi_assets_tests.training.quick import XGBOOST_NAME, train

LINEAR = "linear_model.LinearRegression"


@pytest.fixture(scope="session")
def garbled(data: TrainingSet) -> TrainingSet:
    """The training set with validation rows that make no sense."""
    generator = np.random.default_rng(5)
    return replace(
        data,
        X_val=data.X_val[generator.permutation(data.X_val.shape[0])] * 3,
        y_val=generator.uniform(-1000, 1000, len(data.y_val)),
    )


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_what_the_validation_rows_hold_changes_neither_trials_nor_fits(
    name: str, model_of: ModelOf, garbled: TrainingSet, trips: pa.Table
) -> None:
    honest, blind = model_of(name), train(name, garbled)
    assert blind.record.trials == honest.record.trials
    assert blind.record.parameters == honest.record.parameters
    assert np.array_equal(blind.training_fit.predict(trips), honest.training_fit.predict(trips))
    assert np.array_equal(blind.final_fit.predict(trips), honest.final_fit.predict(trips))
    assert blind.record.metrics.rmse > 10 * honest.record.metrics.rmse


def test_several_trials_are_judged_without_the_validation_rows(data: TrainingSet, garbled: TrainingSet) -> None:
    name = "linear_model.Lasso"
    assert train(name, garbled, max_evaluations=4).record.trials == train(name, data, max_evaluations=4).record.trials


def test_a_trial_is_fitted_and_judged_on_the_two_parts_of_the_training_rows(
    data: TrainingSet, model_of: ModelOf
) -> None:
    (trial,) = model_of(LINEAR).record.trials
    inner = np.asarray(data.inner)
    estimator = sklearn_class(LINEAR).estimator(trial.parameters, 7).fit(data.X_train[~inner], data.y_train[~inner])
    expected = root_mean_squared_error(data.y_train[inner], estimator.predict(data.X_train[inner]))
    assert trial.rmse == pytest.approx(expected)


@pytest.mark.parametrize("name", [LINEAR, XGBOOST_NAME])
def test_selecting_on_the_validation_rows_judges_trials_by_them(name: str, data: TrainingSet) -> None:
    record = train(name, data, select_on="validation").record
    assert record.select_on == "validation"
    assert record.trials[0].rmse == pytest.approx(record.metrics.rmse, rel=1e-3)


def test_selecting_on_the_validation_rows_follows_them(data: TrainingSet, garbled: TrainingSet) -> None:
    sane, strange = (train(LINEAR, rows, select_on="validation").record for rows in (data, garbled))
    assert strange.trials[0].rmse > 10 * sane.trials[0].rmse
