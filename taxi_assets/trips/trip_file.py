"""Whether a file is a whole, readable month of trips."""

from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from taxi_assets.errors import TripFileError
from taxi_assets.trips.months import first_day, next_month
from taxi_assets.trips.schema import Service, require_columns

BATCH_ROWS = 262_144


@dataclass(frozen=True)
class TripFile:
    """What was read of a trip file: its schema, its rows, and how many pickups lie in another month."""

    schema: pa.Schema
    rows: int
    rows_outside_month: int


def read_trip_file(path: Path, service: Service, month: str) -> TripFile:
    """Read every value that we use of a month's file, in bounded memory.

    Raises:
        TripFileError: the file is empty, cut short, unreadable, without trips, or lacks a column;
            the message names the file, and the column where it is one.
    """
    if path.stat().st_size == 0:
        raise TripFileError(f"{path.name} is empty (0 bytes).")
    start, end = (
        pa.scalar(datetime.combine(first_day(name), time.min), pa.timestamp("us"))
        for name in (month, next_month(month))
    )
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            require_columns(schema, service, path.name)
            outside = 0
            for batch in file.iter_batches(BATCH_ROWS, columns=list(service.columns().values())):
                pickups = batch.column(service.pickup_datetime).cast(pa.timestamp("us"), safe=False)
                within = pc.and_(pc.greater_equal(pickups, start), pc.less(pickups, end))
                outside += len(pickups) - (pc.sum(within).as_py() or 0)
    except (pa.ArrowException, OSError) as error:
        raise TripFileError(
            f"{path.name} is not a whole parquet file ({path.stat().st_size:,} bytes): {_first_line(error)} "
            "Was the download cut short? Fetch it again at its source."
        ) from error
    if rows == 0:
        raise TripFileError(f"{path.name} has no trips.")
    return TripFile(schema, rows, outside)


def _first_line(error: Exception) -> str:
    line = str(error).splitlines()[0].strip()
    return line if line.endswith(".") else f"{line}."
