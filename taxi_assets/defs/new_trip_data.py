"""The sensor `new_trip_data`: months that are new at the source, or were changed there, are ingested."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.tags import PRIORITY_TAG

from taxi_assets.alerting.channels import open_channels
from taxi_assets.defs.alerts import open_outbox
from taxi_assets.defs.failures import CHECK_FAILED
from taxi_assets.defs.jobs import ingest_months
from taxi_assets.defs.made_of import CLEAN_TRIPS, RAW_TRIPS, Soundness, month_soundness
from taxi_assets.defs.partitions import partition_of
from taxi_assets.defs.resources import StorageResource, TripsResource
from taxi_assets.defs.retraining import main_job_goes_on
from taxi_assets.defs.runs import months_in_progress
from taxi_assets.defs.stale_months import stale_months
from taxi_assets.errors import SettingError
from taxi_assets.settings import Settings, load_settings
from taxi_assets.storage import locations
from taxi_assets.storage.publish import Store
from taxi_assets.trips.new_months import Attempts, first_look, next_attempt, wanted_months
from taxi_assets.trips.source import SETTLED_SECONDS, last_full_month

MONTH_TAG = "taxi/month"
FINGERPRINT_TAG = "taxi/fingerprint"

FAULT_OF_THE_FILE = "TripFileError"
"""The error that a file causes: it comes again until the file changes."""


@dataclass
class Cursor:
    """What the sensor knows.

    Attributes:
        ignored: months that were there at the first look and are not taken.
        taken: the fingerprints of months that are ingested.
        seen: when a version of a month, `[fingerprint, time]`, was seen first.
    """

    ignored: set[str] = field(default_factory=set)
    taken: dict[str, str] = field(default_factory=dict)
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> "Cursor":
        """The cursor that a text stands for.

        Raises:
            SettingError: it stands for none.
        """
        try:
            stored = json.loads(text)
            seen = {month: (fingerprint, at) for month, (fingerprint, at) in stored["seen"].items()}
            return cls(set(stored["ignored"]), stored["taken"], seen)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SettingError(
                f"The cursor of new_trip_data cannot be read ({error}): reset it on the sensor's page in Dagster's UI."
            ) from error

    def text(self) -> str:
        """The text that stands for it."""
        return json.dumps({"ignored": sorted(self.ignored), "taken": self.taken, "seen": self.seen}, sort_keys=True)

    def see(self, published: Mapping[str, str], now: datetime) -> None:
        """Note the versions that are published now."""
        for month, fingerprint in published.items():
            if month not in self.ignored and self.seen.get(month, ("", ""))[0] != fingerprint:
                self.seen[month] = (fingerprint, now.isoformat())


@dg.sensor(
    job=ingest_months,
    minimum_interval_seconds=load_settings().source_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks which months the source has, and ingests those that are new or were changed there. "
    "The first look takes the newest ones only (TAXI_NEWEST_MONTHS): a backfill brings the others.",
)
def new_trip_data(
    context: dg.SensorEvaluationContext, trips: TripsResource, storage: StorageResource
) -> dg.SensorResult | dg.SkipReason:
    """Ask for exactly the months that are to be ingested, one run each."""
    settings = load_settings()
    if main_job_goes_on(settings.home):
        return dg.SkipReason("`taxi run` is at work in this home.")
    now = datetime.now(UTC)
    source, store = trips.open(), storage.open()
    months = settings.first_month, last_full_month()
    if context.cursor:
        cursor = Cursor.of(context.cursor)
    else:
        history = source.published(*months)
        if not history:
            return dg.SkipReason(f"{trips.uri} has no month of {trips.service} trips yet.")
        cursor = Cursor(ignored=first_look(history, _stored_months(store), settings.newest_months))
    published = source.published(*months, settled_seconds=SETTLED_SECONDS)
    cursor.see(published, now)
    cursor.taken = _taken(context.instance, store, published, cursor)
    _alert_of_stale_months(context.instance, settings, cursor, published, now)
    wanted = wanted_months(published, cursor.taken, cursor.ignored)
    busy = months_in_progress(context.instance, {RAW_TRIPS, CLEAN_TRIPS})
    requests, reasons = [], []
    for month in wanted:
        request = _request(context.instance, month, published[month], month in busy, now)
        if isinstance(request, str):
            reasons.append(request)
        else:
            requests.append(request)
    skipped = dg.SkipReason("; ".join(reasons) or f"No new month among the {len(published)} of the source.")
    return dg.SensorResult(requests, skip_reason=None if requests else skipped, cursor=cursor.text())


def _alert_of_stale_months(
    instance: dg.DagsterInstance, settings: Settings, cursor: Cursor, published: Mapping[str, str], now: datetime
) -> None:
    seen = {month: sight for month, sight in cursor.seen.items() if month in published}
    stale = stale_months(instance, seen, cursor.taken, now, settings.stale_hours, settings.ui_url)
    if stale:
        channels = open_channels(settings.alert_urls.get_secret_value())
        open_outbox(settings).add(stale, [channel.name for channel in channels])


def _stored_months(store: Store) -> dict[str, str]:
    found = {locations.month_of(key): store.current(key) for key in store.keys(locations.RAW_TRIPS)}
    return {month: version.facts["fingerprint"] for month, version in found.items() if version is not None}


def _taken(instance: dg.DagsterInstance, store: Store, published: Mapping[str, str], cursor: Cursor) -> dict[str, str]:
    """The fingerprints of the months that are ingested; only those that changed cost a look into the store."""
    taken = {}
    for month in published.keys() & {locations.month_of(key) for key in store.keys(locations.CLEAN_TRIPS)}:
        if month_soundness(instance, month) is Soundness.UNCHECKED:
            continue
        if cursor.taken.get(month) == published[month]:
            taken[month] = published[month]
        elif found := _fingerprint(store, month):
            taken[month] = found
    return taken


def _fingerprint(store: Store, month: str) -> str | None:
    """The source's fingerprint of a month that is stored and was cleaned as it is stored."""
    raw, clean = store.current(locations.raw_trips(month)), store.current(locations.clean_trips(month))
    if raw is None or clean is None:
        return None
    (file,) = raw.files.values()
    fingerprint: str = raw.facts["fingerprint"]
    return fingerprint if clean.facts["raw_sha256"] == file.sha256 else None


def _request(
    instance: dg.DagsterInstance, month: str, fingerprint: str, busy: bool, now: datetime
) -> dg.RunRequest | str:
    """A run of a month; or why there is none now."""
    if busy:
        return f"{month} is being ingested"
    attempts = _attempts(instance, {MONTH_TAG: month, FINGERPRINT_TAG: fingerprint})
    due = next_attempt(attempts, now)
    if due is None:
        return f"{month} failed, and would fail again until its file changes"
    if due > now:
        return f"{month} was tried {attempts.made} times and is tried again at {due:%Y-%m-%d %H:%M:%S} UTC"
    return dg.RunRequest(
        run_key=f"{month}:{fingerprint}:{attempts.made}",
        partition_key=partition_of(month),
        # A month does not wait in the queue behind trainings that it will make superfluous.
        tags={MONTH_TAG: month, FINGERPRINT_TAG: fingerprint, PRIORITY_TAG: "1"},
    )


def _attempts(instance: dg.DagsterInstance, tags: dict[str, str]) -> Attempts:
    """What became of the runs that this sensor asked for, for one version of a month."""
    records = instance.get_run_records(dg.RunsFilter(tags=tags))
    if not records:
        return Attempts(made=0, last_ended=None, in_progress=False, passing=True)
    last = records[0]
    ended = datetime.fromtimestamp(last.end_time, UTC) if last.end_time else last.update_timestamp.replace(tzinfo=UTC)
    return Attempts(
        made=len(records),
        last_ended=ended,
        in_progress=not last.dagster_run.is_finished,
        passing=_can_pass(instance, last.dagster_run.run_id),
    )


def _can_pass(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether what a run failed on can pass: neither the file nor a check is at fault."""
    for record in instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records:
        failure: Any = record.event_log_entry.get_dagster_event().step_failure_data
        causes = {failure.error.cls_name, failure.error.cause and failure.error.cause.cls_name}
        if causes & {FAULT_OF_THE_FILE, CHECK_FAILED}:
            return False
    return True
