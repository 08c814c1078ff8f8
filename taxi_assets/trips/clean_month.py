"""A stored month, cleaned and stored; and what its file holds."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from taxi_assets.storage import locations
from taxi_assets.storage.publish import Store
from taxi_assets.storage.versions import Version
from taxi_assets.trips.cleaning import clean_trip_file

FILE = "trips.parquet"


def clean_month(store: Store, month: str, include_extreme_durations: bool = False) -> Version:
    """Clean a stored raw month (`YYYY-MM`), in bounded memory, and store the result.

    Raises:
        StoredError: the raw month is not stored, or not what was stored.
        TripFileError: it lacks a column.
    """

    def clean(folder: Path, raw: Version) -> Version:
        (name,) = raw.files
        with store.draft(locations.clean_trips(month)) as draft:
            clean_trip_file(folder / name, draft.folder / FILE, raw.facts["service"], include_extreme_durations)
            draft.facts.update(
                service=raw.facts["service"],
                month=month,
                synthetic=raw.facts["synthetic"],
                raw_sha256=raw.files[name].sha256,
                raw_rows=raw.facts["rows"],
                rows=pq.read_metadata(draft.folder / FILE).num_rows,
                include_extreme_durations=include_extreme_durations,
            )
        return draft.published

    return store.read_verified(locations.raw_trips(month), clean)


def count_missing(path: Path) -> dict[str, int]:
    """Nulls, and for floats also values that are not finite, in each column of a clean month's file."""
    trips = pl.scan_parquet(path)
    usable = [
        (pl.col(name).is_finite() if dtype.is_float() else pl.col(name).is_not_null()).fill_null(False)
        for name, dtype in trips.collect_schema().items()
    ]
    counts = trips.select((~column).sum() for column in usable).collect(engine="streaming")
    return {name: int(count) for name, count in counts.row(0, named=True).items()}


def duration_range(path: Path) -> tuple[float | None, float | None]:
    """The least and the greatest duration in minutes of a clean month's file; None without trips."""
    duration = pl.col("duration")
    bounds = pl.scan_parquet(path).select(low=duration.min(), high=duration.max()).collect(engine="streaming")
    low, high = bounds.row(0)
    return low, high
