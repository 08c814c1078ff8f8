"""Failed and vanished runs as alerts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from taxi_assets.alerting.alert import Alert
from taxi_assets.defs.check_events import partition_of_run
from taxi_assets.defs.events import AlertFilter, one_line
from taxi_assets.defs.failures import is_failed_check, was_interrupted
from taxi_assets.defs.links import run_link
from taxi_assets.defs.vanished_runs import VANISHED_TAG

STARTED_BY_TAG = "taxi/started_by"
WILL_RETRY_TAG = "dagster/will_retry"
DAEMON_TAGS = {
    "dagster/backfill": "backfill",
    "dagster/schedule_name": "schedule",
    "dagster/sensor_name": "sensor",
}
"""Tags of runs that the daemon started, with what made it do so."""

EVENT_TYPES = {
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.ENGINE_EVENT,
}
"""The events of a run that tell why it failed."""

FOUND_DEAD = "Its process was killed. The run was marked as failed, and its places in pools are free."
"""What is told of a run that the sensor `vanished_runs` found."""

CRASH = "Run execution process for "
"""How the event begins with which Dagster's code server says that a run's process ended before the run did."""


@dataclass
class FailureEvents:
    """What the events of a run tell about its failure.

    Attributes:
        planned: the assets that each step was to make or to check.
        steps: the failures of its steps, in order.
        end: the event that ended it, if it failed.
        crash: how its process ended, if that was before the run did, and Dagster saw it.
    """

    planned: dict[str, list[str]] = field(default_factory=dict)
    steps: list[dg.DagsterEvent] = field(default_factory=list)
    end: dg.DagsterEvent | None = None
    crash: str | None = None

    @classmethod
    def of(cls, events: Iterable[dg.DagsterEvent]) -> "FailureEvents":
        """Sort events of `EVENT_TYPES`."""
        sorted_events = cls()
        for event in events:
            if event.event_type is dg.DagsterEventType.STEP_FAILURE:
                sorted_events.steps.append(event)
            elif event.event_type is dg.DagsterEventType.RUN_FAILURE:
                sorted_events.end = event
            elif event.event_type is dg.DagsterEventType.ENGINE_EVENT:
                if (event.message or "").startswith(CRASH):
                    sorted_events.crash = event.message
            else:
                assets = sorted_events.planned.setdefault(event.step_key or "", [])
                if (asset := _planned_asset(event)) not in assets:
                    assets.append(asset)
        return sorted_events

    def assets_of(self, step: dg.DagsterEvent) -> Sequence[str]:
        """The assets of a step that failed."""
        return self.planned.get(step.step_key or "", ())

    @property
    def assets(self) -> list[str]:
        """All assets of the run."""
        return list(dict.fromkeys(asset for assets in self.planned.values() for asset in assets))


def run_alert(
    record: dg.RunRecord, events: FailureEvents, alert_filter: AlertFilter, ui_url: str | None
) -> Alert | None:
    """An alert for a run that failed or vanished; None where there is nothing to tell.

    Nothing is told of a run that its user ended, nor of one that failed only because a blocking check failed: the
    alert of the check has told that.
    """
    run = record.dagster_run
    if run.status is not dg.DagsterRunStatus.FAILURE:
        return None
    found_dead = FOUND_DEAD if run.tags.get(VANISHED_TAG) == run.run_id else events.crash
    if found_dead:
        return _alert(record, "run vanished", events.assets, {"error": one_line(found_dead)}, alert_filter, ui_url)
    faults = [step for step in events.steps if not is_failed_check(step.step_failure_data)]
    if events.steps and not faults:
        return None
    if any(was_interrupted(step.step_failure_data) for step in faults) and not DAEMON_TAGS.keys() & run.tags.keys():
        return None
    if not faults:
        return _alert(record, "run failed", events.assets, {"error": _end_error(events.end)}, alert_filter, ui_url)
    taken = [step for step in faults if alert_filter.takes(events.assets_of(step))]
    if not taken:
        return None
    first, *others = taken
    details = {"step": first.step_key or "", "error": _step_error(first)}
    if others:
        details["failed too"] = one_line(", ".join(step.step_key or "" for step in others))
    return _alert(record, "run failed", events.assets_of(first), details, alert_filter, ui_url)


def _alert(
    record: dg.RunRecord,
    what: str,
    assets: Sequence[str],
    details: Mapping[str, str],
    alert_filter: AlertFilter,
    ui_url: str | None,
) -> Alert | None:
    if not alert_filter.takes(assets):
        return None
    run = record.dagster_run
    partition = partition_of_run(run)
    where = {"asset": one_line(", ".join(assets)), "partition": partition or ""}
    origin = {
        "run": run.run_id,
        "job": run.job_name,
        "started by": _started_by(run),
        "retried": "yes: Dagster runs it again" if run.tags.get(WILL_RETRY_TAG) == "true" else "",
    }
    ended = record.end_time or record.update_timestamp.timestamp()
    return Alert(
        f"run:{run.run_id}",
        "ERROR",
        f"{what}: {one_line(', '.join(assets)) or run.job_name} {partition or ''}".rstrip(),
        {label: value for label, value in {**where, **details, **origin}.items() if value},
        datetime.fromtimestamp(ended, UTC),
        run_link(ui_url, run.run_id),
    )


def _started_by(run: dg.DagsterRun) -> str:
    """What started a run; nothing where a person did, in the UI or with Dagster's commands."""
    for tag, starter in DAEMON_TAGS.items():
        if tag in run.tags:
            return f"{starter} {run.tags[tag]}"
    return run.tags.get(STARTED_BY_TAG, "")


def _planned_asset(event: dg.DagsterEvent) -> str:
    if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
        return event.asset_materialization_planned_data.asset_key.to_user_string()
    return event.asset_check_planned_data.asset_key.to_user_string()


def _step_error(step: dg.DagsterEvent) -> str:
    data = step.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return one_line(data.user_failure_data.description)
    return error_line(data.error) if data.error is not None else one_line(step.message or "")


def _end_error(end: dg.DagsterEvent | None) -> str:
    if end is None:
        return "No error was recorded."
    data = end.event_specific_data
    error = getattr(data, "error", None)
    return error_line(error) if error is not None else one_line(end.message or "")


def error_line(error: Any) -> str:
    """The message of an error that Dagster recorded: that of the user's code where Dagster wrapped it, no stack."""
    return one_line((error.cause or error).message)
