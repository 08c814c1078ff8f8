"""The sensor `new_trip_data`: months that are new at the source, or were changed there, are ingested."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.tags import PRIORITY_TAG

from taxi_assets.addresses import shown
from taxi_assets.alerting.channels import open_channels
from taxi_assets.defs.alerts import open_outbox
from taxi_assets.defs.failures import CHECK_FAILED
from taxi_assets.defs.jobs import ingest_months
from taxi_assets.defs.made_of import CLEAN_TRIPS, RAW_TRIPS, Soundness, data_version, month_soundness
from taxi_assets.defs.new_trip_data_cursor import Cursor
from taxi_assets.defs.partitions import month_of, partition_of
from taxi_assets.defs.resources import StorageResource, TripsResource
from taxi_assets.defs.retraining import main_job_goes_on
from taxi_assets.defs.runs import months_in_progress
from taxi_assets.defs.stale_months import stale_months
from taxi_assets.errors import SettingError, SourceUnavailableError
from taxi_assets.settings import Settings, load_settings
from taxi_assets.storage import locations
from taxi_assets.storage.publish import Store
from taxi_assets.trips.months import month_before
from taxi_assets.trips.new_months import Attempts, first_look, next_attempt, wanted_months
from taxi_assets.trips.source import SETTLED_SECONDS, last_full_month

MONTH_TAG = "taxi/month"
FINGERPRINT_TAG = "taxi/fingerprint"

FAULT_OF_THE_FILE = "TripFileError"
"""The error that a file causes: it comes again until the file changes."""


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
    first_month, last_month = settings.first_month, last_full_month()
    if context.cursor:
        cursor = Cursor.of(context.cursor, first_month)
        if first_month < cursor.first_month:
            history = source.published(first_month, month_before(cursor.first_month))
            cursor.reach_back(first_month, history.keys() - cursor.taken.keys())
    else:
        history = source.published(first_month, last_month)
        if not history:
            return dg.SkipReason(f"{shown(trips.uri)} has no month of {trips.service} trips yet.")
        cursor = Cursor(first_month, first_look(history, _known_months(context.instance), settings.newest_months))
    published = source.published(first_month, last_month, settled_seconds=SETTLED_SECONDS)
    if not published and cursor.taken:
        raise SourceUnavailableError(
            f"TAXI_TRIPS_URI: {shown(trips.uri)} has none of the {len(cursor.taken)} months that it had. "
            "Is it mounted, and may these credentials see it?"
        )
    cursor.see(published, now)
    cursor.take(_taken(context.instance, store, published, cursor))
    _alert_of_stale_months(context, settings, cursor, published, now)
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
    context: dg.SensorEvaluationContext,
    settings: Settings,
    cursor: Cursor,
    published: Mapping[str, str],
    now: datetime,
) -> None:
    seen = {month: sight for month, sight in cursor.seen.items() if month in published}
    stale = stale_months(context.instance, seen, cursor.taken, now, settings.stale_hours, settings.ui_url)
    if stale:
        try:
            channels = open_channels(settings.alert_urls.get_secret_value())
            open_outbox(settings).add(stale, [channel.name for channel in channels])
        except SettingError as error:
            # The sensor `alerts` fails on it: months are ingested all the same.
            context.log.error(str(error))


def _known_months(instance: dg.DagsterInstance) -> set[str]:
    return {month_of(partition) for partition in instance.get_materialized_partitions(CLEAN_TRIPS)}


def _taken(instance: dg.DagsterInstance, store: Store, published: Mapping[str, str], cursor: Cursor) -> dict[str, str]:
    """The fingerprints of the months that are ingested; only those that changed cost a look into the store."""
    taken = {}
    for month in published.keys() & {locations.month_of(key) for key in store.keys(locations.CLEAN_TRIPS)}:
        if month_soundness(instance, month) is Soundness.UNCHECKED:
            continue
        if cursor.taken.get(month) == published[month]:
            taken[month] = published[month]
        elif found := _fingerprint(instance, store, month):
            taken[month] = found
    return taken


def _fingerprint(instance: dg.DagsterInstance, store: Store, month: str) -> str | None:
    """The source's fingerprint of a month that was cleaned as it is stored, and that the instance knows so.

    A run that is killed after it has stored a month, and before it has said so, leaves one that it does not know.
    """
    raw, clean = store.current(locations.raw_trips(month)), store.current(locations.clean_trips(month))
    if raw is None or clean is None or clean.digest != data_version(instance, CLEAN_TRIPS, partition_of(month)):
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
    # The number alone was there before when somebody has deleted an old run: Dagster would start none.
    attempt = f"{attempts.made}:{attempts.last}" if attempts.last else "0"
    return dg.RunRequest(
        run_key=f"{month}:{fingerprint}:{attempt}",
        partition_key=partition_of(month),
        # A month does not wait in the queue behind trainings that it will make superfluous.
        tags={MONTH_TAG: month, FINGERPRINT_TAG: fingerprint, PRIORITY_TAG: "1"},
    )


def _attempts(instance: dg.DagsterInstance, tags: dict[str, str]) -> Attempts:
    """What became of the runs that this sensor asked for, for one version of a month."""
    records = instance.get_run_records(dg.RunsFilter(tags=tags))
    if not records:
        return Attempts(made=0, last=None, last_ended=None, in_progress=False, passing=True)
    last = records[0]
    ended = datetime.fromtimestamp(last.end_time, UTC) if last.end_time else last.update_timestamp.replace(tzinfo=UTC)
    return Attempts(
        made=len(records),
        last=last.dagster_run.run_id,
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
