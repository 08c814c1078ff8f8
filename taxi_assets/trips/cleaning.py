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
        "PULocationID": pl.col(service.PULocationID).cast(pl.Int64, strict=False),
        "DOLocationID": pl.col(service.DOLocationID).cast(pl.Int64, strict=False),
    }
    microseconds = (dropoff - pickup).dt.total_microseconds()
    # polars divides by a constant as it multiplies by its reciprocal, which rounds otherwise than
    # timedelta.total_seconds() / 60 does, and in a batch of one row otherwise again; a column it really divides by.
    duration = microseconds / (microseconds * 0 + 1_000_000) / (microseconds * 0 + 60)
    distance = pl.col(service.trip_distance).cast(pl.Float64)
    kept = pl.all_horizontal(zone.is_not_null() for zone in zones.values()) & distance.is_finite()
    if include_extreme_durations:
        kept &= microseconds.is_not_null()
    else:
        kept &= microseconds.is_between(int(MIN_DURATION * 60_000_000), int(MAX_DURATION * 60_000_000))
    return (
        trips.filter(kept)
        .select(
            pickup_datetime=pickup,
            dropoff_datetime=dropoff,
            trip_distance=distance,
            duration=duration,
            **{name: zone.cast(pl.String) for name, zone in zones.items()},
        )
        .with_columns(PU_DO=pl.concat_str("PULocationID", pl.lit("_"), "DOLocationID"))
        .select(CLEAN_SCHEMA.names)
    )
