"""The schedule `retrain_hourly` asks for the first part of what is out of date, or says why it asks for nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from taxi_assets.defs.build import build_defs
from taxi_assets.defs.made_of import (
    CHAMPION_MODEL,
    CLEAN_TRIPS,
    MADE_OF_TAG,
    RAW_TRIPS,
    SKLEARN_MODELS,
    TRAINING_SET,
    XGBOOST_MODEL,
)
from taxi_assets.defs.runs import IN_PROGRESS
from taxi_assets.defs.schedules import retrain_hourly
from taxi_assets.defs.training_set import CHECKS
from taxi_assets.defs.xgboost_model import CHECKS as XGBOOST_CHECKS
from taxi_assets.training.search_spaces import SKLEARN_CLASSES
from taxi_assets_tests.defs.running import (
    LINEAR,
    QUICK_XGBOOST,
    failures,
    republish,
    resources_in,
    run_checks,
    store_in,
)
from taxi_assets_tests.defs.trained import add_run, block, fail, ingest, make, plan, source_of

pytestmark = pytest.mark.slow

CHAMPION = (CHAMPION_MODEL, None)
FINITE_PREDICTIONS = next(check for check in XGBOOST_CHECKS if check.check_key.name == "finite_predictions")
OTHERS = sorted(set(SKLEARN_CLASSES) - {LINEAR})


def tick(instance: dg.DagsterInstance, home: Path) -> Any:
    """What the daemon is told in an hour."""
    defs = build_defs(resource_overrides=resources_in(home))
    context = dg.build_schedule_context(instance=instance, repository_def=defs.get_repository_def())
    return retrain_hourly.evaluate_tick(context)


def requests(instance: dg.DagsterInstance, home: Path) -> Sequence[dg.RunRequest]:
    """What is asked for."""
    found = tick(instance, home)
    assert found.skip_message is None
    return list(found.run_requests)


def of(found: Sequence[dg.RunRequest]) -> list[tuple[dg.AssetKey, str | None]]:
    """The first asset and the partition of each request."""
    return [((request.asset_selection or [])[0], request.partition_key) for request in found]


def skip_reason(instance: dg.DagsterInstance, home: Path) -> str:
    """Why nothing is asked for."""
    found = tick(instance, home)
    assert not found.run_requests
    return str(found.skip_message)


def launch(request: dg.RunRequest, instance: dg.DagsterInstance, home: Path) -> bool:
    """Run a request as its run would be; with few trials."""
    job = build_defs(resource_overrides=resources_in(home)).resolve_job_def(retrain_hourly.job_name)
    assets = list(request.asset_selection or ())
    quick = {"xgboost_model": {"config": QUICK_XGBOOST.model_dump()}} if XGBOOST_MODEL in assets else {}
    run_config = {"ops": quick, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    made = job.execute_in_process(
        asset_selection=assets,
        partition_key=request.partition_key,
        tags=dict(request.tags),
        run_config=run_config,
        instance=instance,
        raise_on_error=False,
    )
    return made.success


def last_made(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dg.AssetMaterialization:
    """The last materialisation of an asset."""
    (record,) = instance.fetch_materializations(dg.AssetRecordsFilter(asset), limit=1).records
    assert record.asset_materialization is not None
    return record.asset_materialization


def let_classes_be_made(instance: dg.DagsterInstance) -> None:
    """Let the classes be of the present training set, without the minutes that the forests take."""
    made_of = {MADE_OF_TAG: (last_made(instance, XGBOOST_MODEL).tags or {})[MADE_OF_TAG]}
    for name in OTHERS:
        materialization = dg.AssetMaterialization(SKLEARN_MODELS, partition=name, tags=made_of)
        instance.report_runless_asset_event(materialization)


def test_it_is_on_and_looks_every_hour_of_new_york() -> None:
    assert retrain_hourly.default_status is dg.DefaultScheduleStatus.RUNNING
    new_york = ZoneInfo("America/New_York")
    assert (retrain_hourly.cron_schedule, retrain_hourly.execution_timezone) == ("@hourly", new_york.key)
    before_the_clocks_go_back = datetime(2024, 11, 3, 0, 30, tzinfo=new_york).timestamp()
    ticks = schedule_execution_time_iterator(before_the_clocks_go_back, "@hourly", new_york.key, ascending=True)
    hours = [next(ticks).astimezone(UTC).hour for _ in range(4)]
    assert hours == [5, 6, 7, 8], "the hour that comes twice has two ticks"


def test_fewer_than_two_months_train_nothing(ready: Path, ready_instance: dg.DagsterInstance) -> None:
    reason = "There are fewer than two clean months that passed their checks."
    assert skip_reason(ready_instance, ready) == reason
    ingest(source_of(ready), ready_instance, "2024-01")
    assert skip_reason(ready_instance, ready) == reason


def test_hour_by_hour_all_is_made_by_real_runs_and_then_nothing(
    ready: Path, ready_instance: dg.DagsterInstance
) -> None:
    ingest(source_of(ready), ready_instance, "2024-01", "2024-02")
    (first,) = requests(ready_instance, ready)
    assert first.asset_selection == [TRAINING_SET, XGBOOST_MODEL]
    assert launch(first, ready_instance, ready)
    classes = requests(ready_instance, ready)
    assert of(classes) == [(SKLEARN_MODELS, name) for name in sorted(SKLEARN_CLASSES)]
    (linear,) = (request for request in classes if request.partition_key == LINEAR)
    assert launch(linear, ready_instance, ready)
    let_classes_be_made(ready_instance)
    (champion,) = requests(ready_instance, ready)
    assert launch(champion, ready_instance, ready)
    assert skip_reason(ready_instance, ready) == "No data version changed since the last retraining."


def test_requests_of_one_hour_differ_in_their_keys(trained: Path, trained_instance: dg.DagsterInstance) -> None:
    keys = [request.run_key for request in requests(trained_instance, trained)]
    assert sorted(filter(None, keys)) == OTHERS


def test_a_class_that_failed_is_asked_for_again_and_holds_up_nothing(
    trained: Path, trained_instance: dg.DagsterInstance
) -> None:
    resources = source_of(trained)
    ingest(resources, trained_instance, "2024-03")
    make(resources, trained_instance, "training_set", "xgboost_model")
    let_classes_be_made(trained_instance)
    fail(resources, trained_instance, {LINEAR})
    linear, champion = requests(trained_instance, trained)
    assert of([linear, champion]) == [(SKLEARN_MODELS, LINEAR), CHAMPION]
    assert launch(champion, trained_instance, trained)
    assert of(requests(trained_instance, trained)) == [(SKLEARN_MODELS, LINEAR)]


@pytest.mark.parametrize("asset", [TRAINING_SET, CHAMPION_MODEL], ids=str)
def test_a_retraining_in_progress_is_waited_for(
    asset: dg.AssetKey, trained: Path, trained_instance: dg.DagsterInstance
) -> None:
    for status in IN_PROGRESS:
        run_id = add_run(trained_instance, status, asset)
        reason = f"A retraining is in progress: run {run_id} ({status.value})."
        assert skip_reason(trained_instance, trained) == reason
        trained_instance.delete_run(run_id)
    add_run(trained_instance, dg.DagsterRunStatus.FAILURE, asset)
    assert requests(trained_instance, trained)


def test_a_month_that_is_being_ingested_is_waited_for(trained: Path, trained_instance: dg.DagsterInstance) -> None:
    run_id = add_run(trained_instance, dg.DagsterRunStatus.QUEUED, RAW_TRIPS, CLEAN_TRIPS)
    assert skip_reason(trained_instance, trained) == f"A month is being ingested: run {run_id} (QUEUED)."


def test_runs_of_other_projects_on_the_instance_are_not_waited_for(
    trained: Path, trained_instance: dg.DagsterInstance
) -> None:
    add_run(trained_instance, dg.DagsterRunStatus.STARTED, dg.AssetKey("of_another_project"))
    assert requests(trained_instance, trained)


def test_a_new_month_is_trained_on_unless_its_blocking_check_failed(
    trained: Path, trained_instance: dg.DagsterInstance
) -> None:
    let_classes_be_made(trained_instance)
    make(source_of(trained), trained_instance, "champion_model")
    ingest(source_of(trained), trained_instance, "2024-03")
    assert of(requests(trained_instance, trained)) == [(TRAINING_SET, None)]
    block(trained, trained_instance, "2024-03")
    assert skip_reason(trained_instance, trained) == "No data version changed since the last retraining."


def test_no_model_is_trained_on_a_training_set_that_failed_a_blocking_check(
    trained: Path, trained_instance: dg.DagsterInstance
) -> None:
    republish(store_in(trained), "training_set", lambda folder: (folder / "X_train.data.npy").unlink())
    assert "training_shape" in failures(run_checks(source_of(trained), "training_set", instance=trained_instance))
    reason = "A blocking check of the training set failed: no model is trained on it."
    assert skip_reason(trained_instance, trained) == reason


def test_a_training_set_whose_checks_were_not_made_is_made_again(
    trained: Path, trained_instance: dg.DagsterInstance
) -> None:
    let_classes_be_made(trained_instance)
    plan(trained_instance, CHECKS[0])
    assert of(requests(trained_instance, trained)) == [CHAMPION], "it was not made, so they need not be"
    trained_instance.report_runless_asset_event(last_made(trained_instance, TRAINING_SET))
    (request,) = requests(trained_instance, trained)
    assert request.asset_selection == [TRAINING_SET, XGBOOST_MODEL]


def test_a_model_whose_blocking_check_was_not_made_is_made_again_and_no_champion_is_chosen(
    trained: Path, trained_instance: dg.DagsterInstance
) -> None:
    let_classes_be_made(trained_instance)
    plan(trained_instance, FINITE_PREDICTIONS)
    assert of(requests(trained_instance, trained)) == [CHAMPION], "it was not made, so it need not be"
    trained_instance.report_runless_asset_event(last_made(trained_instance, XGBOOST_MODEL))
    (request,) = requests(trained_instance, trained)
    assert request.asset_selection == [XGBOOST_MODEL]
    assert launch(request, trained_instance, trained)
    assert of(requests(trained_instance, trained)) == [CHAMPION]


def test_no_champion_is_chosen_while_a_model_fails_a_blocking_check(
    trained: Path, trained_instance: dg.DagsterInstance
) -> None:
    let_classes_be_made(trained_instance)
    assert of(requests(trained_instance, trained)) == [CHAMPION]
    key = f"sklearn_models/{LINEAR}"
    republish(store_in(trained), key, lambda folder: (folder / "training_fit.skops").unlink())
    checks = run_checks(source_of(trained), "sklearn_models", LINEAR, trained_instance)
    assert "finite_predictions" in failures(checks)
    assert skip_reason(trained_instance, trained) == f"A blocking check of {LINEAR} failed: no champion is chosen."
