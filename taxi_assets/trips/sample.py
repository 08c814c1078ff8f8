"""Synthetic months of trips, with the schema and the warts of the real ones and a law to learn.

A trip goes between two zones; its distance follows from where the zones lie, its speed from the
hour, the weekday and the borough, and noise is added to both. The plan of the city is made up:
boroughs lie about where they do, their zones on a spiral. Equal arguments give equal bytes.
"""

import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from taxi_assets.trips.months import first_day, month_range, next_month
from taxi_assets.trips.schema import service_named
from taxi_assets.trips.zones import zones

GENERATOR_VERSION = 1
"""Raised whenever the same arguments would give other trips."""

CHUNK_ROWS = 250_000

BOROUGHS = {
    # centre east and north of lower Manhattan in miles, miles between zones, speed factor, demand
    "Manhattan": (2.0, 5.0, 0.45, 0.85, 5.0),
    "Brooklyn": (4.0, -2.0, 0.60, 1.00, 1.6),
    "Queens": (9.0, 3.0, 0.75, 1.10, 2.0),
    "Bronx": (6.0, 11.0, 0.65, 1.05, 0.6),
    "Staten Island": (-6.0, -8.0, 0.80, 1.25, 0.05),
    "EWR": (-10.0, 1.0, 0.50, 1.30, 0.02),
}

HOURLY_DEMAND = [
    2,
    1.5,
    1,
    0.8,
    0.6,
    0.6,
    1.7,
    4.6,
    5.7,
    6.1,
    6,
    6.1,
    6.2,
    6.6,
    7.4,
    8.4,
    8.9,
    9.6,
    9.1,
    7.3,
    5.4,
    4,
    3.2,
    2.6,
]
HOURLY_SPEED = [
    15,
    15.5,
    16,
    17,
    18,
    18,
    14,
    11,
    10,
    10.3,
    10.8,
    10.8,
    10.6,
    10.4,
    10,
    9.6,
    9.4,
    9.4,
    10,
    11,
    12,
    12.6,
    13.4,
    14.2,
]
"""Miles an hour by hour of the day, on a weekday."""

WEEKEND_SPEED = 1.15
STREETS = 1.2
"""Miles driven for a mile along the grid."""

START_MINUTES = 1.5
GRAVITY_MILES = 1.4
"""The distance over which the demand between two zones falls by a factor e."""


@dataclass(frozen=True)
class City:
    """k ordered pairs of zones: ids, miles between them, speed factors, cumulative demand up to 1."""

    pickup: npt.NDArray[np.int64]
    dropoff: npt.NDArray[np.int64]
    miles: npt.NDArray[np.float64]
    speed_factor: npt.NDArray[np.float64]
    cumulative_demand: npt.NDArray[np.float64]


@cache
def _city() -> City:
    ids, east, north, speed, demand = [], [], [], [], []
    seen: dict[str, int] = {}
    for zone in zones():
        if zone.borough not in BOROUGHS:
            continue
        centre_east, centre_north, spacing, factor, weight = BOROUGHS[zone.borough]
        rank = seen[zone.borough] = seen.get(zone.borough, -1) + 1
        # The golden angle fills a disc evenly (H. Vogel, 1979).
        angle, radius = rank * np.pi * (3 - np.sqrt(5)), spacing * np.sqrt(rank)
        ids.append(zone.id)
        east.append(centre_east + radius * np.cos(angle))
        north.append(centre_north + radius * np.sin(angle))
        speed.append(factor)
        demand.append(weight / (1 + rank) ** 0.8)
    place, popularity, factors = np.column_stack([east, north]), np.array(demand), np.array(speed)
    miles = STREETS * np.abs(place[:, None, :] - place[None, :, :]).sum(axis=2) + 0.6
    weights = popularity[:, None] * popularity[None, :] * np.exp(-miles / GRAVITY_MILES)
    pickup, dropoff = np.meshgrid(ids, ids, indexing="ij")
    cumulative = np.cumsum(weights.ravel())
    return City(
        pickup.ravel(),
        dropoff.ravel(),
        miles.ravel(),
        np.sqrt(factors[:, None] * factors[None, :]).ravel(),
        cumulative / cumulative[-1],
    )


def write_sample_month(target: Path, service: str, month: str, rows: int, seed: int) -> None:
    """Write one synthetic month as a parquet file, a chunk at a time.

    Args:
        target: the file to write.
        service: `green` or `yellow`.
        month: `YYYY-MM`; it decides the pickup times and the schema of the year.
        rows: number of trips.
        seed: another seed gives other trips.

    Raises:
        SettingError: the service or the month is unknown.
    """
    month_range(month, month)
    schema = month_schema(service, month)
    with pq.ParquetWriter(target, schema, compression="zstd", write_page_checksum=True) as writer:
        for chunk, start in enumerate(range(0, rows, CHUNK_ROWS)):
            key = [seed, zlib.crc32(service.encode()), int(month.replace("-", "")), chunk]
            rng = np.random.default_rng(key)
            count = min(CHUNK_ROWS, rows - start)
            columns = _trips(rng, service, month, (np.arange(start, start + count) + rng.random(count)) / rows)
            arrays = [_array(columns[field.name], field.type) for field in schema]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=CHUNK_ROWS)


def month_schema(service: str, month: str) -> pa.Schema:
    """The schema that the files of a service have in a month: types differ from year to year."""
    early = month < "2023-02"
    id_, whole = (pa.int64(), pa.float64()) if early else (pa.int32(), pa.int64())
    text, money = pa.string() if early else pa.large_string(), pa.float64()
    known = service_named(service)
    fields: dict[str, pa.DataType] = {
        "VendorID": id_,
        known.pickup_datetime: pa.timestamp("us"),
        known.dropoff_datetime: pa.timestamp("us"),
        "store_and_fwd_flag": text,
        "RatecodeID": whole,
        "PULocationID": id_,
        "DOLocationID": id_,
        "passenger_count": whole,
        "trip_distance": pa.float64(),
        "fare_amount": money,
        "extra": money,
        "mta_tax": money,
        "tip_amount": money,
        "tolls_amount": money,
        "improvement_surcharge": money,
        "total_amount": money,
        "payment_type": whole,
        "congestion_surcharge": money,
    }
    if service == "green":
        fields |= {"ehail_fee": pa.null() if early else money, "trip_type": whole}
    else:
        fields |= {"airport_fee" if early else "Airport_fee": money}
    if month >= "2025-01":
        fields |= {"cbd_congestion_fee": money}
    return pa.schema(fields)


def _trips(rng: np.random.Generator, service: str, month: str, quantiles: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Columns of n trips, picked up at these n quantiles of the month's demand."""
    count = len(quantiles)
    city = _city()
    pair = np.searchsorted(city.cumulative_demand, rng.random(count), side="right")
    pair = np.minimum(pair, len(city.miles) - 1)

    seconds = _pickup_seconds(month, quantiles)
    hours = (seconds // 3600).astype(np.int64)
    weekend = (first_day(month).weekday() + hours // 24) % 7 >= 5
    speed = np.array(HOURLY_SPEED)[hours % 24] * city.speed_factor[pair] * np.where(weekend, WEEKEND_SPEED, 1)
    miles = city.miles[pair] * rng.lognormal(0, 0.12, count)
    minutes = (START_MINUTES + 60 * miles / speed) * rng.lognormal(0, 0.22, count)
    fare = np.round(3 + 2.5 * miles + 0.3 * minutes, 1)

    # The warts, in about the shares of the real months.
    wart = rng.random(count)
    minutes = np.where(wart < 0.025, rng.uniform(0, 1, count), minutes)
    minutes = np.where((wart >= 0.025) & (wart < 0.033), rng.uniform(60, 1440, count), minutes)
    minutes = np.where((wart >= 0.033) & (wart < 0.0332), -minutes, minutes)
    miles = np.where((wart >= 0.02) & (wart < 0.053), 0.0, miles)
    miles = np.where((wart >= 0.053) & (wart < 0.0538), rng.uniform(1e3, 2e5, count), miles)
    fare = np.where((wart >= 0.06) & (wart < 0.0632), -fare, fare)
    stray = (wart >= 0.07) & (wart < 0.0702)
    seconds = np.where(stray, seconds - 86_400 * rng.integers(20, 400, count), seconds)
    unrecorded = wart > 0.94

    start = np.datetime64(first_day(month), "us")
    pickup = start + np.floor(seconds).astype("timedelta64[s]")
    known = service_named(service)
    tip = np.round(np.where(rng.random(count) < 0.6, 0.2 * np.abs(fare), 0), 2)
    return {
        "VendorID": rng.integers(1, 3, count),
        known.pickup_datetime: pickup,
        known.dropoff_datetime: pickup + np.round(60 * minutes).astype("timedelta64[s]"),
        "store_and_fwd_flag": np.ma.array(np.full(count, "N"), mask=unrecorded),
        "RatecodeID": np.ma.array(np.ones(count), mask=unrecorded),
        "PULocationID": city.pickup[pair],
        "DOLocationID": city.dropoff[pair],
        "passenger_count": np.ma.array(rng.integers(1, 5, count), mask=unrecorded),
        "trip_distance": np.round(miles, 2),
        "fare_amount": fare,
        "extra": np.where((hours % 24 >= 16) & (hours % 24 < 20), 2.5, 0.0),
        "mta_tax": np.full(count, 0.5),
        "tip_amount": tip,
        "tolls_amount": np.zeros(count),
        "improvement_surcharge": np.ones(count),
        "total_amount": np.round(fare + tip + 1.5, 2),
        "payment_type": np.ma.array(rng.integers(1, 3, count), mask=unrecorded),
        "congestion_surcharge": np.ma.array(np.full(count, 2.75), mask=unrecorded),
        "ehail_fee": np.ma.array(np.zeros(count), mask=True),
        "trip_type": np.ma.array(np.ones(count), mask=unrecorded),
        "airport_fee": np.zeros(count),
        "Airport_fee": np.zeros(count),
        "cbd_congestion_fee": np.full(count, 0.75),
    }


def _pickup_seconds(month: str, quantiles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Seconds from the start of the month at which these shares of its demand have passed."""
    days = (first_day(next_month(month)) - first_day(month)).days
    cumulative = np.concatenate([[0.0], np.cumsum(np.tile(HOURLY_DEMAND, days))])
    seconds = np.interp(quantiles, cumulative / cumulative[-1], 3600.0 * np.arange(24 * days + 1))
    # Rounding must not put the last trip into the next month.
    latest: npt.NDArray[np.float64] = np.minimum(seconds, 86_400 * days - 1)
    return latest


def _array(values: Any, type_: pa.DataType) -> pa.Array:
    if pa.types.is_null(type_):
        return pa.nulls(len(values))
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    return pa.array(np.ma.getdata(values), mask=mask).cast(type_)
