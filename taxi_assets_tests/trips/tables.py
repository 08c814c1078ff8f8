"""Small tables of raw trips for tests."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pyarrow as pa

PICKUP = datetime(2024, 1, 5, 8)  # noqa: DTZ001  # the TLC's times have no zone


def green_trips(minutes: Sequence[float] = (10.0,), **columns: pa.Array) -> pa.Table:
    """Raw green trips of these durations; `columns` replace some of the columns that we use."""
    count = len(minutes)
    whole: dict[str, pa.Array] = {
        "lpep_pickup_datetime": pa.array([PICKUP] * count, pa.timestamp("us")),
        "lpep_dropoff_datetime": pa.array([PICKUP + timedelta(minutes=m) for m in minutes], pa.timestamp("us")),
        "PULocationID": pa.array([236] * count, pa.int32()),
        "DOLocationID": pa.array([239] * count, pa.int32()),
        "trip_distance": pa.array([1.98] * count, pa.float64()),
    }
    return pa.table(whole | columns)
