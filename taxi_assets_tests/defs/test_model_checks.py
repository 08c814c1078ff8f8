"""The checks of the two model assets, on models that are whole in the store but bad."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from taxi_assets.features import TrainingSet
from taxi_assets.storage import locations
from taxi_assets.storage.publish import FolderStore
from taxi_assets.training.evaluation import Metrics
from taxi_assets.training.model import TrainedModel
from taxi_assets.training.model_files import load_fit, load_record, save_model
from taxi_assets_tests.defs.running import (
    LINEAR,
    QUICK_XGBOOST,
    Resources,
    actual,
    expected,
    failures,
    materialize,
    metadata_of,
    republish,
    run_checks,
)

LINEAR_KEY, XGBOOST_KEY = f"sklearn_models/{LINEAR}", "xgboost_model"
MODELS = [("sklearn_models", LINEAR, LINEAR_KEY), ("xgboost_model", None, XGBOOST_KEY)]


def change_model(store: FolderStore, change: Callable[[TrainedModel], TrainedModel], key: str = LINEAR_KEY) -> None:
    """Store a model again after it was changed."""

    def save_changed(folder: Path) -> None:
        fits = [load_fit(folder, fit) for fit in ("training_fit", "final_fit")]
        save_model(change(TrainedModel(load_record(folder), *fits)), folder)

    republish(store, key, save_changed)


def shifted(minutes: float) -> Callable[[TrainedModel], TrainedModel]:
    """Let the judged fit of a linear model answer so many minutes more."""

    def change(model: TrainedModel) -> TrainedModel:
        model.training_fit.steps[-1][1].intercept_ += minutes
        return model

    return change


def report_runs(instance: dg.DagsterInstance, asset: str, partition: str | None, *rmse: float) -> None:
    """Let the instance remember materialisations with these figures, oldest first."""
    for value in rmse:
        event = dg.AssetMaterialization(asset, partition=partition, metadata={"rmse": value})
        instance.report_runless_asset_event(event)


def stored_rmse(store: FolderStore, key: str) -> float:
    return store.read(key, lambda folder, _: load_record(folder)).metrics.rmse


def test_a_model_that_predicts_no_number_fails_and_blocks(filled_store: FolderStore, resources: Resources) -> None:
    def change(model: TrainedModel) -> TrainedModel:
        coefficients = model.training_fit.steps[-1][1].coef_
        coefficients[:] = np.nan
        return model

    change_model(filled_store, change)
    checks = run_checks(resources, "sklearn_models", LINEAR)
    rows = filled_store.read(locations.TRAINING_SET, lambda folder, _: TrainingSet.load(folder)).X_val.shape[0]
    assert failures(checks) == {"finite_predictions": "ERROR", "beats_mean_predictor": "WARN"}
    assert checks["finite_predictions"].blocking
    assert expected(checks["finite_predictions"]) == {"not_finite": 0}
    assert actual(checks["finite_predictions"]) == {"not_finite": rows, "predictions": rows}


def test_a_model_that_predicts_infinity_for_one_pair_fails(filled_store: FolderStore, resources: Resources) -> None:
    data = filled_store.read(locations.TRAINING_SET, lambda folder, _: TrainingSet.load(folder))
    zones = data.X_val.indices[data.X_val.indices < data.X_val.shape[1] - 1]
    column = int(zones[0])
    rows = int(np.count_nonzero(zones == column))

    def change(model: TrainedModel) -> TrainedModel:
        model.training_fit.steps[-1][1].coef_[column] = np.inf
        return model

    change_model(filled_store, change)
    check = run_checks(resources, "sklearn_models", LINEAR)["finite_predictions"]
    assert not check.passed
    assert actual(check)["not_finite"] == rows


def test_a_model_worse_than_the_mean_warns(filled_store: FolderStore, resources: Resources) -> None:
    change_model(filled_store, shifted(100.0))
    checks = run_checks(resources, "sklearn_models", LINEAR)
    mean = filled_store.read(LINEAR_KEY, lambda folder, _: load_record(folder)).mean_predictor.rmse
    assert failures(checks) == {"beats_mean_predictor": "WARN"}
    assert expected(checks["beats_mean_predictor"]) == {"rmse_under": mean}
    assert actual(checks["beats_mean_predictor"])["rmse"] > 90


def test_a_model_that_flatters_itself_is_judged_by_its_predictions(
    filled_store: FolderStore, resources: Resources
) -> None:
    def change(model: TrainedModel) -> TrainedModel:
        return replace(shifted(100.0)(model), record=replace(model.record, metrics=Metrics(0.1, 0.1, 1.0)))

    change_model(filled_store, change)
    assert not run_checks(resources, "sklearn_models", LINEAR)["beats_mean_predictor"].passed


@pytest.mark.parametrize(("asset", "partition", "key"), MODELS)
@pytest.mark.parametrize(("factor", "passes"), [(1.06, False), (1.04, True), (0.5, True)])
def test_a_model_more_than_five_percent_worse_than_the_run_before_warns(
    asset: str,
    partition: str | None,
    key: str,
    factor: float,
    passes: bool,
    filled_store: FolderStore,
    resources: Resources,
    instance: dg.DagsterInstance,
) -> None:
    rmse = stored_rmse(filled_store, key)
    report_runs(instance, asset, partition, 1_000.0, rmse / factor, rmse)
    checks = run_checks(resources, asset, partition, instance)
    assert failures(checks) == ({} if passes else {"rmse_not_worse": "WARN"})
    check = checks["rmse_not_worse"]
    assert expected(check) == {
        "rmse_at_most": pytest.approx(1.05 * rmse / factor),
        "rmse_of_last_run": pytest.approx(rmse / factor),
    }
    assert actual(check) == {"rmse": pytest.approx(rmse)}


def test_runs_of_another_class_are_not_compared(
    filled_store: FolderStore, resources: Resources, instance: dg.DagsterInstance
) -> None:
    report_runs(instance, "sklearn_models", "linear_model.Lasso", 0.1, 0.1)
    report_runs(instance, "sklearn_models", LINEAR, stored_rmse(filled_store, LINEAR_KEY))
    check = run_checks(resources, "sklearn_models", LINEAR, instance)["rmse_not_worse"]
    assert check.passed
    assert expected(check) == "no earlier run to compare with"


def test_a_second_run_is_compared_with_the_first(resources: Resources, instance: dg.DagsterInstance) -> None:
    first, second = (materialize(resources, "sklearn_models", partition=LINEAR, instance=instance) for _ in range(2))
    checks = {check.check_name: check for check in second.get_asset_check_evaluations()}
    assert checks["rmse_not_worse"].passed
    assert expected(checks["rmse_not_worse"])["rmse_of_last_run"] == metadata_of(first, "sklearn_models")["rmse"]


def test_xgboost_in_a_run_with_a_class_is_compared_with_its_run_before(
    resources: Resources, instance: dg.DagsterInstance
) -> None:
    config = {"xgboost_model": QUICK_XGBOOST}
    for _ in range(2):
        result = materialize(
            resources, "xgboost_model", "sklearn_models", partition=LINEAR, config=config, instance=instance
        )
    checks = {
        (check.asset_key.to_user_string(), check.check_name): check for check in result.get_asset_check_evaluations()
    }
    assert "rmse_of_last_run" in expected(checks["xgboost_model", "rmse_not_worse"])


@pytest.mark.parametrize(("asset", "partition", "key"), MODELS)
def test_a_model_of_another_training_set_fails_every_check(
    asset: str, partition: str | None, key: str, filled_store: FolderStore, resources: Resources
) -> None:
    republish(filled_store, locations.TRAINING_SET, lambda folder: (folder / "note.json").write_text("{}"))
    checks = run_checks(resources, asset, partition)
    assert set(failures(checks)) == {"finite_predictions", "beats_mean_predictor", "rmse_not_worse"}
    assert all("was trained on the training set" in actual(check) for check in checks.values())


@pytest.mark.parametrize(("asset", "partition", "key"), MODELS)
def test_a_model_file_that_is_none_of_ours_is_not_loaded(
    asset: str, partition: str | None, key: str, filled_store: FolderStore, resources: Resources, tmp_path: Path
) -> None:
    import skops.io
    from sklearn.linear_model import Ridge

    foreign: Any = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    skops.io.dump(foreign, tmp_path / "ridge.skops")
    republish(filled_store, key, lambda folder: shutil.copy(tmp_path / "ridge.skops", folder / "training_fit.skops"))
    checks = run_checks(resources, asset, partition)
    assert failures(checks) == dict.fromkeys(checks, "ERROR")
    assert all("Ridge" in actual(check) and "not loaded" in actual(check) for check in checks.values())
