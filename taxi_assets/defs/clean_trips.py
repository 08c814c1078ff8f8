"""The asset `clean_trips`: a month's trips, cleaned, with one schema for all years. Its checks."""

import dagster as dg
from pydantic import Field

from taxi_assets.defs.checks import ERROR, WARN, Stored, Verdict, stored_check
from taxi_assets.defs.failures import RETRY_POLICY, clear_failures
from taxi_assets.defs.partitions import MONTHS, month_of
from taxi_assets.defs.raw_trips import raw_trips
from taxi_assets.defs.resources import StorageResource
from taxi_assets.defs.retraining import beside_others
from taxi_assets.defs.tables import column_schema
from taxi_assets.storage import locations

SHARE_KEPT_USUAL = 0.8
SHARE_KEPT_LEAST = 0.5
"""Real months keep 95 to 97 % of their rows: under the first a month is odd, under the second unusable."""


class CleanTripsConfig(dg.Config):
    """How a month is cleaned."""

    include_extreme_durations: bool = Field(
        default=False, description="Keep trips under 1 and over 60 minutes too, as they are in the file."
    )


@dg.asset(
    partitions_def=MONTHS,
    deps=[raw_trips],
    group_name="trips",
    kinds={"polars", "parquet"},
    owners=["team:taxi"],
    code_version="1",
    retry_policy=RETRY_POLICY,
)
def clean_trips(
    context: dg.AssetExecutionContext, config: CleanTripsConfig, storage: StorageResource
) -> dg.MaterializeResult:
    """A month's trips of 1 to 60 minutes, with `duration` (minutes) and `PU_DO` (the pair of zones) added."""
    from taxi_assets.trips.clean_month import clean_month
    from taxi_assets.trips.cleaning import CLEAN_SCHEMA

    month = month_of(context.partition_key)
    with clear_failures(), beside_others(context):
        version = clean_month(storage.open(), month, config.include_extreme_durations)
    facts = version.facts
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version.digest),
        metadata={
            "dagster/row_count": facts["rows"],
            "dagster/partition_row_count": facts["rows"],
            "dagster/column_schema": column_schema(CLEAN_SCHEMA),
            "share_kept": facts["rows"] / facts["raw_rows"],
            "bytes": sum(file.size for file in version.files.values()),
            "synthetic": facts["synthetic"],
        },
    )


def _key(context: dg.AssetCheckExecutionContext) -> str:
    return locations.clean_trips(month_of(context.partition_key))


def _judge_schema(stored: Stored) -> Verdict:
    import pyarrow.parquet as pq

    from taxi_assets.trips.clean_month import FILE
    from taxi_assets.trips.cleaning import CLEAN_SCHEMA

    expected = {field.name: str(field.type) for field in CLEAN_SCHEMA}
    actual = {field.name: str(field.type) for field in pq.read_schema(stored.folder / FILE)}
    return Verdict(list(actual.items()) == list(expected.items()), expected, actual)


def _judge_values(stored: Stored) -> Verdict:
    from taxi_assets.trips.clean_month import FILE, count_missing

    missing = count_missing(stored.folder / FILE)
    return Verdict(not any(missing.values()), dict.fromkeys(missing, 0), missing)


def _judge_durations(stored: Stored) -> Verdict:
    from taxi_assets.trips.clean_month import FILE, duration_range
    from taxi_assets.trips.cleaning import MAX_DURATION, MIN_DURATION

    low, high = duration_range(stored.folder / FILE)
    actual = {"least": low, "most": high}
    if stored.version.facts["include_extreme_durations"]:
        return Verdict(True, "any duration: include_extreme_durations is set", actual)
    within = low is not None and high is not None and low >= MIN_DURATION and high <= MAX_DURATION
    return Verdict(within, {"least": MIN_DURATION, "most": MAX_DURATION}, actual)


def _judge_share_kept(stored: Stored) -> Verdict:
    import pyarrow.parquet as pq

    from taxi_assets.trips.clean_month import FILE

    share = pq.read_metadata(stored.folder / FILE).num_rows / stored.version.facts["raw_rows"]
    severity = ERROR if share < SHARE_KEPT_LEAST else WARN
    expected = {"share_kept_at_least": SHARE_KEPT_USUAL, "blocks_below": SHARE_KEPT_LEAST}
    return Verdict(share >= SHARE_KEPT_USUAL, expected, {"share_kept": share}, severity)


ASSET = clean_trips
CHECKS = (
    stored_check(
        clean_trips,
        "schema",
        key=_key,
        judge=_judge_schema,
        blocking=True,
        description="The columns and types are those of the one schema of all years.",
    ),
    stored_check(
        clean_trips,
        "no_missing_values",
        key=_key,
        judge=_judge_values,
        blocking=True,
        description="No null and no number that is not finite in the columns that models use.",
    ),
    stored_check(
        clean_trips,
        "durations_in_range",
        key=_key,
        judge=_judge_durations,
        blocking=True,
        description="All trips last from 1 to 60 minutes, unless extreme durations are included.",
    ),
    stored_check(
        clean_trips,
        "share_kept",
        key=_key,
        judge=_judge_share_kept,
        blocking=True,
        description="At least 80 % of the raw rows are kept: a warning below, an error that blocks below 50 %.",
    ),
)
