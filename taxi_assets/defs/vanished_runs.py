"""Runs whose process was killed: Dagster takes them to go on for ever, and their place in a pool with them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.storage.dagster_run import RunRecord
from dagster._core.storage.tags import GRPC_INFO_TAG

from taxi_assets.storage.processes import home_name, is_alive, process_token

PROCESS_TAG = "taxi/process"
HOME_TAG = "taxi/home"
VANISHED_TAG = "taxi/vanished"
"""Holds the id of the run: a run that is launched again inherits tags."""

UNNOTED = timedelta(minutes=2)
"""A run notes its process as soon as it has started: one that has not after this long was killed in between."""


def process_tags(home: Path) -> dict[str, str]:
    """Tags of a run that this process runs."""
    return {PROCESS_TAG: process_token(home), HOME_TAG: home_name(home)}


def note_process(instance: dg.DagsterInstance, run_id: str, home: Path) -> None:
    """Tag a run with the process that runs it."""
    instance.add_run_tags(run_id, process_tags(home))


def fail_vanished_runs(instance: dg.DagsterInstance, home: Path, now: datetime | None = None) -> list[str]:
    """Mark runs as failed that are in progress though their process on this machine is dead; gives their ids.

    Their places in pools are free afterwards. Runs that were launched elsewhere are left to their launcher.
    """
    now = now or datetime.now(UTC)
    in_progress = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    )
    vanished = [
        record.dagster_run
        for record in instance.get_run_records(in_progress)
        if _has_vanished(instance, record, home, now)
    ]
    for run in vanished:
        instance.add_run_tags(run.run_id, {VANISHED_TAG: run.run_id})
        instance.report_run_failed(run, "The process of this run was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in vanished]


def free_abandoned_places(instance: dg.DagsterInstance) -> list[str]:
    """Free the places in pools that runs hold which have ended; gives the ids of these runs.

    Where Dagster itself finds the process of a run dead, it marks the run as failed and leaves the place taken.
    """
    storage = instance.event_log_storage
    pools = [storage.get_concurrency_info(name) for name in storage.get_concurrency_keys()]
    holders = sorted({run_id for pool in pools for run_id in pool.active_run_ids})
    ended = [run_id for run_id in holders if (run := instance.get_run_by_id(run_id)) is None or run.is_finished]
    for run_id in ended:
        storage.free_concurrency_slots_for_run(run_id)
    return ended


def _has_vanished(instance: dg.DagsterInstance, record: RunRecord, home: Path, now: datetime) -> bool:
    run = record.dagster_run
    parent = instance.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
    token = run.tags.get(PROCESS_TAG)
    if token is not None and (parent is None or parent.tags.get(PROCESS_TAG) != token):
        return run.tags[HOME_TAG] == home_name(home) and not is_alive(home, token)
    launched_here = GRPC_INFO_TAG in run.tags and _is_ours(run)
    if record.start_time is None or not launched_here:
        return False
    return now - datetime.fromtimestamp(record.start_time, UTC) > UNNOTED


def _is_ours(run: dg.DagsterRun) -> bool:
    from taxi_assets.defs.runs import OURS, assets_of

    return not assets_of(run).isdisjoint(OURS)
