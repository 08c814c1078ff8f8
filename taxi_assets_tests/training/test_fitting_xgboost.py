"""XGBoost: what the trials chose is what both fits are made with."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost as xgb

from taxi_assets.errors import SettingError
from taxi_assets.features import TrainingSet
from taxi_assets.training.fitting import train_xgboost_model
from taxi_assets.training.model import TrainedModel
from taxi_assets.training.model_files import load_fit, save_model
from taxi_assets_tests.training.conftest import ModelOf
from taxi_assets_tests.training.quick import XGBOOST_NAME, train

DEPTH, EVALUATIONS, STOPPING = 3, 2, 1

Call = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def calls_and_model(data: TrainingSet) -> tuple[list[Call], TrainedModel]:
    """How XGBoost was called, each time with its parameters and options, and the model that came of it."""
    calls: list[Call] = []
    original = xgb.train

    def spy(parameters: dict[str, Any], matrix: xgb.DMatrix, **options: Any) -> xgb.Booster:
        calls.append((dict(parameters), options))
        return original(parameters, matrix, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xgb, "train", spy)
        model = train(XGBOOST_NAME, data, max_evaluations=EVALUATIONS, early_stopping_rounds=STOPPING, max_depth=DEPTH)
    assert len(calls) == EVALUATIONS + 2
    return calls, model


@pytest.fixture
def calls(calls_and_model: tuple[list[Call], TrainedModel]) -> list[Call]:
    return calls_and_model[0]


@pytest.fixture
def model(calls_and_model: tuple[list[Call], TrainedModel]) -> TrainedModel:
    return calls_and_model[1]


def test_trees_are_as_deep_in_the_trials_as_in_the_fits(calls: list[Call]) -> None:
    assert [parameters["max_depth"] for parameters, _ in calls] == [DEPTH] * len(calls)


def test_no_fitted_tree_is_deeper_than_the_bound(model: TrainedModel) -> None:
    depths = [line.count("\t") for tree in _booster(model.final_fit).get_dump() for line in tree.splitlines()]
    assert 0 < max(depths) <= DEPTH


def test_every_trial_stops_early_and_no_fit_does(calls: list[Call]) -> None:
    trials, fits = calls[:EVALUATIONS], calls[EVALUATIONS:]
    assert [options["early_stopping_rounds"] for _, options in trials] == [STOPPING] * EVALUATIONS
    assert all("early_stopping_rounds" not in options and "evals" not in options for _, options in fits)


def test_the_rounds_of_the_best_trial_are_carried_over_to_both_fits_in_proportion_to_the_training_rows(
    model: TrainedModel, data: TrainingSet
) -> None:
    best = min(model.record.trials, key=lambda trial: trial.rmse)
    assert best.rounds
    assert 1 <= best.rounds < best.parameters["num_boost_round"] <= 1000
    inner = np.asarray(data.inner)
    rounds = model.record.parameters["num_boost_round"]
    assert rounds == round(best.rounds * len(inner) / (~inner).sum())
    assert rounds > best.rounds
    assert [_booster(fit).num_boosted_rounds() for fit in (model.training_fit, model.final_fit)] == [rounds, rounds]


def test_the_rounds_of_a_trial_that_was_fitted_on_all_training_rows_are_carried_over_as_they_are(
    data: TrainingSet,
) -> None:
    model = train(XGBOOST_NAME, data, select_on="validation", max_depth=DEPTH)
    (trial,) = model.record.trials
    assert model.record.parameters["num_boost_round"] == trial.rounds
    assert [_booster(fit).num_boosted_rounds() for fit in (model.training_fit, model.final_fit)] == [trial.rounds] * 2


def test_the_recorded_parameters_are_those_of_the_best_trial_and_the_settings(model: TrainedModel) -> None:
    best = min(model.record.trials, key=lambda trial: trial.rmse)
    searched = {name: value for name, value in best.parameters.items() if name != "num_boost_round"}
    expected = searched | {"max_depth": DEPTH, "early_stopping_rounds": STOPPING, "seed": 0, "device": "cpu"}
    assert model.record.parameters.items() >= expected.items()


def test_a_trial_has_the_least_rmse_on_the_rows_that_tuning_looks_at(model: TrainedModel, data: TrainingSet) -> None:
    trial = model.record.trials[0]
    assert trial.rounds is not None
    inner = np.asarray(data.inner)
    parameters = model.record.parameters | trial.parameters
    booster = xgb.train(
        {name: value for name, value in parameters.items() if "round" not in name},
        xgb.QuantileDMatrix(data.X_train[~inner], data.y_train[~inner]),
        num_boost_round=trial.rounds,
    )
    errors = booster.predict(xgb.DMatrix(data.X_train[inner])) - data.y_train[inner]
    assert trial.rmse == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-5)


def test_the_final_fit_is_that_of_the_same_parameters_on_all_rows(
    model: TrainedModel, calls: list[Call], data: TrainingSet, trips: pa.Table
) -> None:
    parameters, options = calls[-1]
    assert options["num_boost_round"] == model.record.parameters["num_boost_round"]
    assert parameters.items() <= model.record.parameters.items()
    expected = xgb.train(parameters, xgb.QuantileDMatrix(data.X, data.y), **options).predict(xgb.DMatrix(data.X))
    assert np.array_equal(model.final_fit.predict(trips), expected)


@pytest.mark.parametrize("fit", ["training_fit", "final_fit"])
def test_a_fit_predicts_with_one_thread_on_the_processor_also_when_it_was_stored(
    fit: Any, model_of: ModelOf, tmp_path: Path
) -> None:
    model = model_of(XGBOOST_NAME)
    save_model(model, tmp_path)
    for pipeline in (getattr(model, fit), load_fit(tmp_path, fit)):
        assert pipeline.steps[-1][1].n_jobs == 1
        generic = json.loads(_booster(pipeline).save_config())["learner"]["generic_param"]
        assert (generic["nthread"], generic["device"]) == ("1", "cpu")


def _booster(pipeline: Any) -> xgb.Booster:
    booster: xgb.Booster = pipeline.steps[-1][1].get_booster()
    return booster


def test_a_gpu_that_is_not_there_is_refused_and_not_replaced_by_the_processor(
    data: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(SettingError, match="device='cuda' cannot be used"):
        train_xgboost_model(data, device="cuda")
