"""The asset `raw_trips`: a month's file exactly as published. Its checks."""

import dagster as dg

from taxi_assets.defs.checks import WARN, Stored, Verdict, stored_check
from taxi_assets.defs.failures import RETRY_POLICY, clear_failures
from taxi_assets.defs.partitions import MONTHS, month_of
from taxi_assets.defs.resources import StorageResource, TripsResource
from taxi_assets.defs.retraining import beside_others
from taxi_assets.defs.tables import column_schema
from taxi_assets.storage import locations

TRAILING_MONTHS = 12
ROWS_FACTOR = 2.0
"""A month may have half to twice the median rows of the months before it."""

OUTSIDE_SHARE = 0.01
"""The share of pickups that may lie outside their file's month."""


@dg.asset(
    partitions_def=MONTHS,
    group_name="trips",
    kinds={"parquet"},
    owners=["team:taxi"],
    code_version="1",
    retry_policy=RETRY_POLICY,
)
def raw_trips(
    context: dg.AssetExecutionContext, trips: TripsResource, storage: StorageResource
) -> dg.MaterializeResult:
    """A month of trips exactly as published, byte for byte, after it was read whole.

    It comes from the source that TAXI_TRIPS_URI names: generated on the spot unless that is set.
    """
    month = month_of(context.partition_key)
    with clear_failures(), beside_others(context), storage.open().draft(locations.raw_trips(month)) as draft:
        source = trips.open()
        context.log.info(f"Fetching {month} from {source.address(month)}")
        fetched = source.fetch(month, draft.folder)
        draft.facts.update(
            service=source.service.name,
            month=month,
            address=source.address(month),
            fingerprint=fetched.fingerprint,
            rows=fetched.content.rows,
            synthetic=source.synthetic,
        )
    file = draft.published.files[fetched.path.name]
    return dg.MaterializeResult(
        data_version=dg.DataVersion(draft.published.digest),
        metadata={
            "dagster/row_count": fetched.content.rows,
            "dagster/partition_row_count": fetched.content.rows,
            "dagster/column_schema": column_schema(fetched.content.schema),
            "bytes": file.size,
            "sha256": file.sha256,
            "source": source.address(month),
            "fingerprint": fetched.fingerprint,
            "synthetic": source.synthetic,
        },
    )


def _key(context: dg.AssetCheckExecutionContext) -> str:
    return locations.raw_trips(month_of(context.partition_key))


def _judge_whole(stored: Stored) -> Verdict:
    from taxi_assets.trips.schema import service_named
    from taxi_assets.trips.trip_file import read_trip_file

    (name,) = stored.version.files
    facts = stored.version.facts
    content = read_trip_file(stored.folder / name, service_named(facts["service"]), facts["month"])
    return Verdict(content.rows == facts["rows"], {"rows": facts["rows"]}, {"rows": content.rows})


def _judge_columns(stored: Stored) -> Verdict:
    import pyarrow.parquet as pq

    from taxi_assets.trips.schema import REQUIRED_TYPES, column_problems, service_named

    (name,) = stored.version.files
    service = service_named(stored.version.facts["service"])
    schema = pq.read_schema(stored.folder / name)
    expected = {column: REQUIRED_TYPES[common] for common, column in service.columns().items()}
    found = {column: str(schema.field(column).type) for column in expected if column in schema.names}
    return Verdict(not column_problems(schema, service), expected, found)


def _judge_has_rows(stored: Stored) -> Verdict:
    import pyarrow.parquet as pq

    (name,) = stored.version.files
    rows = pq.read_metadata(stored.folder / name).num_rows
    return Verdict(rows > 0, {"rows": "more than 0"}, {"rows": rows})


def _judge_rows_near_median(stored: Stored) -> Verdict:
    from math import ceil, floor
    from statistics import median

    facts = stored.version.facts
    earlier = [key for key in stored.store.keys(locations.RAW_TRIPS) if key < locations.raw_trips(facts["month"])]
    rows = [stored.store.existing(key).facts["rows"] for key in earlier[-TRAILING_MONTHS:]]
    if not rows:
        return Verdict(True, "no earlier month to compare with", {"rows": facts["rows"]})
    usual = median(rows)
    expected = {
        "rows_at_least": ceil(usual / ROWS_FACTOR),
        "rows_at_most": floor(usual * ROWS_FACTOR),
        "median_rows": usual,
        "months_before": len(rows),
    }
    is_near = expected["rows_at_least"] <= facts["rows"] <= expected["rows_at_most"]
    return Verdict(is_near, expected, {"rows": facts["rows"]})


def _judge_pickups_in_month(stored: Stored) -> Verdict:
    from taxi_assets.trips.schema import service_named
    from taxi_assets.trips.trip_file import read_trip_file

    (name,) = stored.version.files
    facts = stored.version.facts
    content = read_trip_file(stored.folder / name, service_named(facts["service"]), facts["month"])
    share = content.rows_outside_month / content.rows
    return Verdict(
        share <= OUTSIDE_SHARE,
        {"share_outside_month_at_most": OUTSIDE_SHARE},
        {"share_outside_month": share, "rows_outside_month": content.rows_outside_month},
    )


ASSET = raw_trips
CHECKS = (
    stored_check(
        raw_trips,
        "whole_file",
        key=_key,
        judge=_judge_whole,
        blocking=True,
        description="The file is the one that was stored, and every value that is used can be read.",
    ),
    stored_check(
        raw_trips,
        "required_columns",
        key=_key,
        judge=_judge_columns,
        blocking=True,
        description="The columns that are used are there, with types that can be read.",
    ),
    stored_check(
        raw_trips,
        "has_rows",
        key=_key,
        judge=_judge_has_rows,
        blocking=True,
        description="The month has trips.",
    ),
    stored_check(
        raw_trips,
        "rows_near_trailing_median",
        key=_key,
        judge=_judge_rows_near_median,
        severity=WARN,
        description="The month has half to twice the median number of trips of the twelve months before it.",
    ),
    stored_check(
        raw_trips,
        "pickups_in_month",
        key=_key,
        judge=_judge_pickups_in_month,
        severity=WARN,
        description="At most 1 % of the pickups lie outside the month.",
    ),
)
