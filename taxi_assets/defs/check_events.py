"""Failed checks as alerts."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from taxi_assets.alerting.alert import Alert, Severity
from taxi_assets.defs.events import AlertFilter, one_line
from taxi_assets.defs.links import run_link

PARTITION_TAG = "dagster/partition"
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"


def check_alerts(
    records: Iterable[dg.EventLogRecord], run: dg.DagsterRun, alert_filter: AlertFilter, ui_url: str | None
) -> list[Alert]:
    """An alert for each failed check of a run, out of the run's records of evaluated checks.

    A step that is tried again evaluates its checks again: what a check says twice is one event, and a failure that
    differs from the first is another.
    """
    alerts: dict[str, Alert] = {}
    said: set[tuple[str, ...]] = set()
    for record in records:
        event = record.event_log_entry.get_dagster_event()
        evaluation = event.asset_check_evaluation_data
        asset = evaluation.asset_key.to_user_string()
        severity: Severity = "WARN" if evaluation.severity is dg.AssetCheckSeverity.WARN else "ERROR"
        if evaluation.passed or severity not in alert_filter.severities or not alert_filter.takes([asset]):
            continue
        details = _details(evaluation, run)
        saying = (asset, severity, *details.values())
        if saying in said:
            continue
        said.add(saying)
        partition = details.get("partition", "")
        event_id = f"check:{run.run_id}:{asset}:{partition}:{evaluation.check_name}"
        if event_id in alerts:
            event_id += f":{record.storage_id}"
        alerts[event_id] = Alert(
            event_id,
            severity,
            f"check {evaluation.check_name} failed on {asset} {partition}".rstrip(),
            details,
            datetime.fromtimestamp(record.timestamp, UTC),
            run_link(ui_url, run.run_id),
        )
    return list(alerts.values())


def partition_of_run(run: dg.DagsterRun) -> str | None:
    """The partition that a run makes, or `FIRST...LAST`."""
    if RANGE_START_TAG in run.tags:
        return f"{run.tags[RANGE_START_TAG]}...{run.tags[RANGE_END_TAG]}"
    return run.tags.get(PARTITION_TAG)


def _details(evaluation: dg.AssetCheckEvaluation, run: dg.DagsterRun) -> dict[str, str]:
    blocks = evaluation.blocking and evaluation.severity is dg.AssetCheckSeverity.ERROR
    details = {"asset": evaluation.asset_key.to_user_string()}
    if partition := evaluation.partition or partition_of_run(run):
        details["partition"] = partition
    details["check"] = evaluation.check_name
    details["blocking"] = "yes: nothing downstream ran" if blocks else "no"
    labels = [label for label in ("expected", "actual") if label in evaluation.metadata]
    details |= {label: _text(evaluation.metadata[label].value) for label in labels}
    if len(labels) < 2 and evaluation.description:
        details["description"] = one_line(evaluation.description)
    return details | {"run": run.run_id, "job": run.job_name}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return one_line(value)
    return one_line(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str))
