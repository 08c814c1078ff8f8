"""Which runs go on, and which months they or a backfill make."""

import time

import dagster as dg
import pytest
from dagster._core.execution.asset_backfill import AssetBackfillData
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from taxi_assets.defs.build import build_defs
from taxi_assets.defs.made_of import CLEAN_TRIPS, RAW_TRIPS, RETRAINED, TRAINING_SET, XGBOOST_MODEL
from taxi_assets.defs.runs import IN_PROGRESS, months_in_progress, runs_in_progress
from taxi_assets_tests.defs.trained import add_run

STARTED = dg.DagsterRunStatus.STARTED
TRIPS = {RAW_TRIPS, CLEAN_TRIPS}


def ids(instance: dg.DagsterInstance, *assets: dg.AssetKey) -> list[str]:
    return [run.run_id for run in runs_in_progress(instance, assets)]


def asset_backfill(instance: dg.DagsterInstance, *partitions: str) -> PartitionBackfill:
    """A backfill of assets, as the UI starts it."""
    graph = build_defs().get_repository_def().asset_graph
    return PartitionBackfill.from_asset_partitions(
        backfill_id="by-hand",
        asset_graph=graph,
        partition_names=list(partitions),
        asset_selection=[RAW_TRIPS, CLEAN_TRIPS],
        backfill_timestamp=time.time(),
        tags={},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )


@pytest.mark.parametrize("status", IN_PROGRESS)
def test_a_run_that_did_not_end_goes_on(status: dg.DagsterRunStatus, instance: dg.DagsterInstance) -> None:
    run_id = add_run(instance, status, TRAINING_SET)
    assert ids(instance, *RETRAINED) == [run_id]
    assert ids(instance, RAW_TRIPS) == []


def test_a_run_that_ended_does_not_go_on(instance: dg.DagsterInstance) -> None:
    for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
        add_run(instance, status, TRAINING_SET)
    assert ids(instance, *RETRAINED) == []


def test_a_run_without_a_selection_makes_all_of_its_job(instance: dg.DagsterInstance) -> None:
    run_id = add_run(instance, STARTED, job="train_xgboost")
    add_run(instance, STARTED, job="train_xgboost_of_another_project")
    assert ids(instance, XGBOOST_MODEL) == [run_id]


def test_a_run_with_a_selection_makes_no_more_than_that(instance: dg.DagsterInstance) -> None:
    run_id = add_run(instance, STARTED, TRAINING_SET, job="train_xgboost")
    assert ids(instance, TRAINING_SET) == [run_id]
    assert ids(instance, XGBOOST_MODEL) == []


def test_the_months_of_runs_are_in_progress(instance: dg.DagsterInstance) -> None:
    add_run(instance, STARTED, RAW_TRIPS, tags={"dagster/partition": "2024-01-01"})
    add_run(instance, dg.DagsterRunStatus.SUCCESS, RAW_TRIPS, tags={"dagster/partition": "2024-02-01"})
    assert months_in_progress(instance, TRIPS) == {"2024-01"}


def test_the_months_of_a_backfill_of_assets_are_in_progress(instance: dg.DagsterInstance) -> None:
    backfill = asset_backfill(instance, "2024-01-01", "2024-02-01")
    assert isinstance(backfill.asset_backfill_data, AssetBackfillData)
    instance.add_backfill(backfill)
    assert months_in_progress(instance, TRIPS) == {"2024-01", "2024-02"}
    assert months_in_progress(instance, RETRAINED) == set()
    instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS))
    assert months_in_progress(instance, TRIPS) == set()


def test_the_months_of_a_backfill_of_a_job_are_in_progress(instance: dg.DagsterInstance) -> None:
    """As `dagster job backfill` starts it."""
    backfill = PartitionBackfill(
        backfill_id="of-a-job",
        status=BulkActionStatus.REQUESTED,
        from_failure=False,
        tags={},
        backfill_timestamp=time.time(),
        partition_names=["2023-11-01", "2023-12-01"],
    )
    instance.add_backfill(backfill)
    assert months_in_progress(instance, TRIPS) == {"2023-11", "2023-12"}
