"""Looking for failed checks, failed runs and vanished runs among the runs that ended.

It works on SQLite, where each run has a database of events of its own, and on PostgreSQL alike, and sees every run of
the instance, whatever started it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from taxi_assets.alerting.alert import Alert
from taxi_assets.defs.check_events import check_alerts
from taxi_assets.defs.events import AlertFilter, Found, one_line, read_note
from taxi_assets.defs.links import run_link
from taxi_assets.defs.run_failures import EVENT_TYPES, FailureEvents, run_alert

NOTE = "runs"
FIRST_LOOK = timedelta(hours=24)
OVERLAP = timedelta(hours=2)
"""How far a look goes back behind the last one.

The time of a run's change is that of the machine that ran it, committed later. On a PostgreSQL whose time zone is not
UTC it is local time, which goes back an hour in autumn.
"""

MOST_RUNS = 200
MOST_ALERTS = 1000
PAGE = 1000
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class _Place:
    """How far runs were read.

    Attributes:
        since: runs that changed later are looked at.
        read: those of them that were read already, with the time of their change (seconds since 1970).
    """

    since: datetime
    read: Mapping[str, float]

    @classmethod
    def of(cls, noted: Mapping[str, Any]) -> "_Place":
        return cls(datetime.fromtimestamp(noted["since"], UTC), noted["read"])

    def moved(self, changes: Mapping[str, float], now: datetime) -> "_Place":
        """The place after more runs were read, in the order of their changes."""
        # A clock that is ahead must not hide what happens meanwhile.
        newest = min(max(changes.values()), now.timestamp())
        since = max(self.since.timestamp(), newest - OVERLAP.total_seconds())
        read = {run_id: changed for run_id, changed in {**self.read, **changes}.items() if changed > since}
        return _Place(datetime.fromtimestamp(since, UTC), read)

    def note(self) -> str:
        return json.dumps({"since": self.since.timestamp(), "read": self.read}, separators=(",", ":"))


def run_events(
    instance: dg.DagsterInstance,
    notes: Mapping[str, str],
    now: datetime,
    alert_filter: AlertFilter,
    ui_url: str | None,
) -> Found:
    """Find the checks that failed in the runs that ended since the last look, and the runs that failed or vanished.

    At most `MOST_RUNS` runs are read, and no further run once there are `MOST_ALERTS` alerts: the next look goes on
    there. The first look goes back `FIRST_LOOK`.

    Args:
        instance: whose runs are read.
        notes: what the last look gave; empty for the first.
        now: UTC.
        alert_filter: which events alert.
        ui_url: where Dagster's UI is, for links.
    """
    place = read_note(notes, NOTE, _Place.of) or _Place(now - FIRST_LOOK, {})
    records = instance.get_run_records(
        dg.RunsFilter(statuses=ENDED, updated_after=place.since),
        limit=len(place.read) + MOST_RUNS,
        order_by="update_timestamp",
        ascending=True,
    )
    alerts: list[Alert] = []
    changes: dict[str, float] = {}
    for record in records:
        changed = record.update_timestamp.timestamp()
        if place.read.get(record.dagster_run.run_id) == changed:
            continue
        if len(changes) == MOST_RUNS or len(alerts) >= MOST_ALERTS:
            break
        try:
            alerts += _alerts_of(instance, record, alert_filter, ui_url)
        except Exception as error:  # of SQLite, of SQLAlchemy, of Dagster's reading of JSON
            # Raises too where the whole database is away. This run holds up no other, and is tried again until
            # the looks are `OVERLAP` ahead of it.
            instance.get_runs_count()
            alerts.append(_unreadable(record, error, ui_url))
            continue
        changes[record.dagster_run.run_id] = changed
    return Found(alerts, {NOTE: place.moved(changes, now).note()} if changes else {})


def _unreadable(record: dg.RunRecord, error: Exception, ui_url: str | None) -> Alert:
    """An alert that the events of a run cannot be read; whoever gets it has to look for what happened in it."""
    run = record.dagster_run
    details = {"run": run.run_id, "job": run.job_name, "status": run.status.value, "error": one_line(str(error))}
    title = f"what happened in a run of {run.job_name} cannot be read"
    at = record.update_timestamp
    return Alert(f"unreadable:{run.run_id}", "ERROR", title, details, at, run_link(ui_url, run.run_id))


def _alerts_of(
    instance: dg.DagsterInstance, record: dg.RunRecord, alert_filter: AlertFilter, ui_url: str | None
) -> list[Alert]:
    run = record.dagster_run
    checks = _records_of(instance, run.run_id, {dg.DagsterEventType.ASSET_CHECK_EVALUATION})
    alerts = check_alerts(checks, run, alert_filter, ui_url)
    if run.status is dg.DagsterRunStatus.FAILURE:
        events = FailureEvents.of(
            each.event_log_entry.get_dagster_event() for each in _records_of(instance, run.run_id, EVENT_TYPES)
        )
        if alert := run_alert(record, events, alert_filter, ui_url):
            alerts.append(alert)
    return alerts


def _records_of(
    instance: dg.DagsterInstance, run_id: str, types: set[dg.DagsterEventType]
) -> Iterator[dg.EventLogRecord]:
    cursor = None
    while True:
        page = instance.get_records_for_run(run_id, cursor, of_type=types, limit=PAGE)
        yield from page.records
        if not page.has_more:
            return
        cursor = page.cursor
