"""Runs whose process was killed: Dagster takes them to go on for ever, and their place in a pool with them."""

from pathlib import Path

import dagster as dg

from taxi_assets.storage.processes import home_name, is_alive, process_token

PROCESS_TAG = "taxi/process"
HOME_TAG = "taxi/home"


def process_tags(home: Path) -> dict[str, str]:
    """Tags of a run that this process runs."""
    return {PROCESS_TAG: process_token(home), HOME_TAG: home_name(home)}


def note_process(instance: dg.DagsterInstance, run_id: str, home: Path) -> None:
    """Tag a run with the process that runs it."""
    instance.add_run_tags(run_id, process_tags(home))


def fail_vanished_runs(instance: dg.DagsterInstance, home: Path) -> list[str]:
    """Mark runs as failed that are in progress though their process on this machine is dead; gives their ids.

    Their places in pools are free afterwards.
    """
    in_progress = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING],
        tags={HOME_TAG: home_name(home)},
    )
    vanished = [run for run in instance.get_runs(in_progress) if not is_alive(home, run.tags.get(PROCESS_TAG, ""))]
    for run in vanished:
        instance.report_run_failed(run, "The process of this run was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in vanished]
