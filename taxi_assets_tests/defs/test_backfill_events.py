"""A backfill that Dagster's daemon gives up is found; one that goes well or is still trying is not."""

import logging
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemotePartitionSetOrigin, RemoteRepositoryOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.backfill import execute_backfill_iteration

from taxi_assets.alerting.alert import Alert
from taxi_assets.defs.backfill_events import backfill_events
from taxi_assets.defs.events import AlertFilter
from taxi_assets_tests.defs.toy_runs import EVERYTHING, UI, ids

MONTHS = ["2023-01-01", "2023-02-01", "2023-03-01"]


def ask_for(instance: dg.DagsterInstance, job: str = "ingest_months") -> str:
    """Ask for a backfill, as `dagster job backfill` does; gives its id."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("gone"), "__repository__")
    backfill = PartitionBackfill(
        f"backfill_of_{job}",
        BulkActionStatus.REQUESTED,
        from_failure=False,
        tags={},
        backfill_timestamp=datetime.now(UTC).timestamp(),
        partition_set_origin=RemotePartitionSetOrigin(
            repository_origin=repository, partition_set_name=f"{job}_partition_set"
        ),
        partition_names=MONTHS,
    )
    instance.add_backfill(backfill)
    return backfill.backfill_id


def let_the_daemon_work(instance: dg.DagsterInstance, times: int = 2) -> None:
    """It finds no such code location, gives up, and then ends the backfill's runs."""
    with WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as workspace:
        for _ in range(times):
            list(execute_backfill_iteration(workspace, logging.getLogger("taxi_assets_tests")))


def found(
    instance: dg.DagsterInstance, later: timedelta = timedelta(0), alert_filter: AlertFilter = EVERYTHING
) -> list[Alert]:
    return backfill_events(instance, datetime.now(UTC) + later, alert_filter, UI)


def test_one_that_failed_is_told_of_with_the_same_id(stored_instance: dg.DagsterInstance) -> None:
    backfill = ask_for(stored_instance)
    assert found(stored_instance) == []
    let_the_daemon_work(stored_instance, times=1)
    assert found(stored_instance) == [], "it is still ending its runs"
    let_the_daemon_work(stored_instance)
    (alert,) = found(stored_instance)
    assert alert.subject == "ERROR: backfill of ingest_months failed"
    assert dict(alert.details) | {"error": ""} == {
        "backfill": backfill,
        "assets": "clean_trips, raw_trips",
        "job": "ingest_months",
        "partitions": "2023-01-01 to 2023-03-01",
        "error": "",
    }
    assert "gone" in alert.details["error"]
    assert alert.link == f"https://dagster.example/runs/b/{backfill}"
    assert ids(found(stored_instance)) == [f"backfill:{backfill}"]
    assert found(stored_instance, later=timedelta(days=2)) == []


def test_only_those_of_the_assets_of_the_setting_alert(stored_instance: dg.DagsterInstance) -> None:
    months, classes = ask_for(stored_instance), ask_for(stored_instance, "train_sklearn")
    let_the_daemon_work(stored_instance)
    assert set(ids(found(stored_instance))) == {f"backfill:{months}", f"backfill:{classes}"}
    only_models = AlertFilter(frozenset({"sklearn_models"}), EVERYTHING.severities)
    assert ids(found(stored_instance, alert_filter=only_models)) == [f"backfill:{classes}"]
