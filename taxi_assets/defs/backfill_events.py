"""Looking for backfills that could not go on: what happens to the runs of a backfill is found among the runs."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus, PartitionBackfill

from taxi_assets.alerting.alert import Alert
from taxi_assets.defs.events import AlertFilter
from taxi_assets.defs.jobs import ASSETS_OF_JOBS
from taxi_assets.defs.links import ui_link
from taxi_assets.defs.run_failures import error_line

LOOK_BACK = timedelta(hours=24)
"""Backfills are few: each look reads those that ended in this time anew. The daemon both fails them and looks."""


def backfill_events(
    instance: dg.DagsterInstance, now: datetime, alert_filter: AlertFilter, ui_url: str | None
) -> list[Alert]:
    """Find the backfills that failed as such, as one whose job is gone. One is found at each look, with the same id.

    Args:
        instance: whose backfills are read.
        now: UTC.
        alert_filter: which assets alert.
        ui_url: where Dagster's UI is, for links.
    """
    failed = instance.get_backfills(BulkActionsFilter(statuses=[BulkActionStatus.FAILED]))
    since = (now - LOOK_BACK).timestamp()
    return [
        _alert(backfill, ended, ui_url)
        for backfill in failed
        if (ended := backfill.backfill_end_timestamp or backfill.backfill_timestamp) > since
        and alert_filter.takes(_assets(backfill))
    ]


def _assets(backfill: PartitionBackfill) -> list[str]:
    keys = backfill.asset_selection or ASSETS_OF_JOBS.get(backfill.job_name or "") or ()
    return sorted(key.to_user_string() for key in keys)


def _alert(backfill: PartitionBackfill, ended: float, ui_url: str | None) -> Alert:
    details = {"backfill": backfill.backfill_id, "assets": ", ".join(_assets(backfill))}
    if backfill.job_name:
        details["job"] = backfill.job_name
    if backfill.partition_names:
        first, last = backfill.partition_names[0], backfill.partition_names[-1]
        details["partitions"] = first if first == last else f"{first} to {last}"
    details["error"] = error_line(backfill.error) if backfill.error else "No error was recorded."
    title = f"backfill of {backfill.job_name or details['assets']} failed"
    path = f"runs/b/{backfill.backfill_id}"
    return Alert(
        f"backfill:{backfill.backfill_id}",
        "ERROR",
        title,
        {label: value for label, value in details.items() if value},
        datetime.fromtimestamp(ended, UTC),
        ui_link(ui_url, path),
    )
