"""The cleaning of the real months."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_assets.trips import clean_trips
from taxi_assets.trips.cleaning import CLEAN_SCHEMA, clean_trip_file
from taxi_assets.trips.sample import month_schema, write_sample_month

pytestmark = pytest.mark.real_data

MONTHS = ["2023-01", "2023-02", "2023-03", "2024-01", "2024-02"]


def test_105870_of_110128_trips_are_kept(real_trips: pa.Table) -> None:
    assert (real_trips.num_rows, clean_trips(real_trips).num_rows) == (110_128, 105_870)


def test_all_trips_are_kept_with_extreme_durations(real_trips: pa.Table) -> None:
    assert clean_trips(real_trips, include_extreme_durations=True).num_rows == 110_128


@pytest.mark.parametrize("month", MONTHS)
def test_a_real_month_is_cleaned_to_the_one_schema(real_data: Path, tmp_path: Path, month: str) -> None:
    clean_trip_file(real_data / "green" / f"green_tripdata_{month}.parquet", tmp_path / "clean.parquet")
    clean = pq.read_table(tmp_path / "clean.parquet")
    assert clean.schema == CLEAN_SCHEMA
    assert clean.num_rows > 50_000


@pytest.mark.parametrize("month", MONTHS)
def test_a_sample_month_has_the_columns_and_types_of_the_real_one(real_data: Path, month: str) -> None:
    real = pq.read_schema(real_data / "green" / f"green_tripdata_{month}.parquet")
    assert {field.name: field.type for field in month_schema("green", month)} == {f.name: f.type for f in real}


@pytest.mark.parametrize("month", MONTHS)
def test_a_sample_month_has_nulls_where_the_real_one_has(real_data: Path, tmp_path: Path, month: str) -> None:
    write_sample_month(tmp_path / "sample.parquet", "green", month, 2_000, seed=1)
    real = pq.read_table(real_data / "green" / f"green_tripdata_{month}.parquet")
    assert _with_nulls(pq.read_table(tmp_path / "sample.parquet")) == _with_nulls(real)


def _with_nulls(table: pa.Table) -> set[str]:
    return {name for name in table.column_names if table.column(name).null_count}
