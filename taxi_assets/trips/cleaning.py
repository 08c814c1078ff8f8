"""The cleaning of a month: one lazy expression, for tables in memory and for files of any size.

The rule is that of the course project which this replaces: the duration is dropoff minus pickup in
minutes, and trips of 1 to 60 minutes are kept. Trips without a zone, a time or a finite distance
are dropped as well: no model can use them, and the published months have none.
"""

from pathlib import Path

import polars as pl
import pyarrow as pa

from taxi_assets.trips.schema import Service, require_columns, service_named

MIN_DURATION = 1.0
MAX_DURATION = 60.0
"""Bounds of an ordinary trip in minutes, both included."""

CLEAN_SCHEMA = pa.schema(
    {
        "pickup_datetime": pa.timestamp("us"),
        "dropoff_datetime": pa.timestamp("us"),
        "PULocationID": pa.large_string(),
        "DOLocationID": pa.large_string(),
        "trip_distance": pa.float64(),
        "duration": pa.float64(),
        "PU_DO": pa.large_string(),
    }
)

ROW_GROUP_ROWS = 122_880


def clean_trips(table: pa.Table, service: str = "green", include_extreme_durations: bool = False) -> pa.Table:
    """Clean trips as published.

    Args:
        table: trips with the service's columns; others are ignored.
        service: `green` or `yellow`.
        include_extreme_durations: keep trips under 1 and over 60 minutes too.

    Returns:
        The kept trips in their order, with the columns of `CLEAN_SCHEMA`: zones as strings,
        `trip_distance` in miles, `duration` in minutes, `PU_DO` as `{PULocationID}_{DOLocationID}`.

    Raises:
        SettingError: the service is unknown.
        TripFileError: a column is missing or of a type that cannot be read.
    """
    known = service_named(service)
    require_columns(table.schema, known, "The table")
    trips = pl.from_arrow(table.select(list(known.columns().values())))
    assert isinstance(trips, pl.DataFrame)
    return _clean(trips.lazy(), known, include_extreme_durations).collect().to_arrow().cast(CLEAN_SCHEMA)


def clean_trip_file(
    source: Path, target: Path, service: str = "green", include_extreme_durations: bool = False
) -> None:
    """As `clean_trips`, from one parquet file to another, in bounded memory.

    Raises:
        SettingError, TripFileError: as `clean_trips`.
    """
    import pyarrow.parquet as pq

    known = service_named(service)
    require_columns(pq.read_schema(source), known, source.name)
    _clean(pl.scan_parquet(source), known, include_extreme_durations).sink_parquet(
        target, compression="zstd", row_group_size=ROW_GROUP_ROWS, maintain_order=True
    )


def _clean(trips: pl.LazyFrame, service: Service, include_extreme_durations: bool) -> pl.LazyFrame:
    pickup = pl.col(service.pickup_datetime).cast(pl.Datetime("us"))
    dropoff = pl.col(service.dropoff_datetime).cast(pl.Datetime("us"))
    zones = {
        name: pl.col(column).cast(pl.Int64, strict=False).cast(pl.String)
        for name, column in (("PULocationID", service.PULocationID), ("DOLocationID", service.DOLocationID))
    }
    # Seconds before minutes, as timedelta.total_seconds() / 60 rounds.
    duration = (dropoff - pickup).dt.total_microseconds() / 1_000_000 / 60
    distance = pl.col(service.trip_distance).cast(pl.Float64)
    kept = duration.is_not_null() & distance.is_finite()
    for zone in zones.values():
        kept &= zone.is_not_null()
    if not include_extreme_durations:
        kept &= duration.is_between(MIN_DURATION, MAX_DURATION)
    return trips.filter(kept).select(
        pickup_datetime=pickup,
        dropoff_datetime=dropoff,
        **zones,
        trip_distance=distance,
        duration=duration,
        PU_DO=pl.concat_str(zones["PULocationID"], pl.lit("_"), zones["DOLocationID"]),
    )
