"""The cleaning of trips, against the same rule in plain pandas."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxi_assets.errors import SettingError, TripFileError
from taxi_assets.trips import clean_trips
from taxi_assets.trips.cleaning import CLEAN_SCHEMA, clean_trip_file
from taxi_assets.trips.sample import write_sample_month
from taxi_assets.trips.schema import SERVICES, Service
from taxi_assets_tests.trips.tables import PICKUP, green_trips

US = 1_000_000
FEW = settings(max_examples=60, deadline=None)


@st.composite
def raw_tables(draw: st.DrawFn) -> pa.Table:
    """Green trips with nulls, impossible durations, and the types that files have had."""
    rows = draw(st.integers(0, 20))
    bounds = [0, -60 * US, 60 * US - 1, 60 * US, 60 * US + 1, 3600 * US - 1, 3600 * US, 3600 * US + 1]
    lengths = st.one_of(st.sampled_from(bounds), st.integers(-7200 * US, 100_000 * US))

    def column(values: st.SearchStrategy) -> list:
        return draw(st.lists(st.none() | values, min_size=rows, max_size=rows))

    def times(microseconds: list[int | None]) -> pa.Array:
        unit = draw(st.sampled_from(["us", "ns", "ms"]))
        return pa.array(microseconds, pa.timestamp("us")).cast(pa.timestamp(unit), safe=False)

    def zones() -> pa.Array:
        type_ = draw(st.sampled_from([pa.int32(), pa.int64(), pa.float64()]))
        unusable = st.just(float("nan")) if type_ == pa.float64() else st.nothing()
        return pa.array(column(st.integers(1, 265) | unusable), type_)

    pickups = column(st.integers(1_230_768_000 * US, 1_900_000_000 * US))
    dropoffs = [None if one is None else one + draw(lengths) for one in pickups]
    dropoffs = [draw(st.sampled_from([one] * 9 + [None])) for one in dropoffs]
    distances = column(st.floats()) if draw(st.booleans()) else column(st.integers(0, 100))
    return pa.table(
        {
            "VendorID": pa.array(column(st.integers(1, 2)), pa.int32()),
            "lpep_pickup_datetime": times(pickups),
            "lpep_dropoff_datetime": times(dropoffs),
            "PULocationID": zones(),
            "DOLocationID": zones(),
            "trip_distance": pa.array(
                distances, pa.int64() if all(type(d) is int for d in distances) else pa.float64()
            ),
        }
    )


def reference(table: pa.Table, include_extreme_durations: bool) -> list[dict]:
    """The rule in plain pandas, a row at a time."""
    rows = []
    for trip in table.to_pandas(integer_object_nulls=True).to_dict("records"):
        pickup, dropoff = trip["lpep_pickup_datetime"], trip["lpep_dropoff_datetime"]
        values = [pickup, dropoff, trip["PULocationID"], trip["DOLocationID"], trip["trip_distance"]]
        if any(pd.isna(value) for value in values) or not np.isfinite(trip["trip_distance"]):
            continue
        pickup, dropoff = pickup.to_pydatetime(), dropoff.to_pydatetime()
        duration = (dropoff - pickup).total_seconds() / 60
        if not include_extreme_durations and not 1 <= duration <= 60:
            continue
        pu, do = str(int(trip["PULocationID"])), str(int(trip["DOLocationID"]))
        rows.append(
            {
                "pickup_datetime": pickup,
                "dropoff_datetime": dropoff,
                "PULocationID": pu,
                "DOLocationID": do,
                "trip_distance": float(trip["trip_distance"]),
                "duration": duration,
                "PU_DO": f"{pu}_{do}",
            }
        )
    return rows


def _assert_equal(trips: list[dict], expected: list[dict]) -> None:
    """Equal, but for the last digits of durations, which have tests of their own."""
    durations, others = ([trip.pop("duration") for trip in rows] for rows in (trips, expected))
    assert trips == expected
    assert durations == pytest.approx(others, rel=1e-14, abs=0)


@FEW
@given(raw_tables(), st.booleans())
def test_cleaning_equals_the_rule_in_plain_pandas(table: pa.Table, include_extreme: bool) -> None:
    _assert_equal(clean_trips(table, "green", include_extreme).to_pylist(), reference(table, include_extreme))


@FEW
@given(raw_tables())
def test_every_table_gives_the_same_schema(table: pa.Table) -> None:
    assert clean_trips(table).schema == CLEAN_SCHEMA


@settings(max_examples=25, deadline=None)
@given(table=raw_tables(), include_extreme=st.booleans())
def test_a_file_is_cleaned_as_a_table_is(
    tmp_path_factory: pytest.TempPathFactory, table: pa.Table, include_extreme: bool
) -> None:
    folder = tmp_path_factory.mktemp("clean")
    pq.write_table(table, folder / "raw.parquet")
    clean_trip_file(folder / "raw.parquet", folder / "clean.parquet", "green", include_extreme)
    raw = pq.read_table(folder / "raw.parquet")
    clean = pq.read_table(folder / "clean.parquet")
    _assert_equal(clean.to_pylist(), clean_trips(raw, "green", include_extreme).to_pylist())


def test_a_sample_file_gives_exactly_what_its_table_gives(sample_folder: Path, tmp_path: Path) -> None:
    raw = sample_folder / "green_tripdata_2024-01.parquet"
    clean_trip_file(raw, tmp_path / "clean.parquet")
    assert pq.read_table(tmp_path / "clean.parquet") == clean_trips(pq.read_table(raw))


def test_durations_round_as_those_of_timedelta() -> None:
    lengths = [timedelta(microseconds=834 * step + 60_000_000) for step in range(1, 2_000)]
    clean = clean_trips(green_trips([length / timedelta(minutes=1) for length in lengths]))
    expected = [(trip["dropoff_datetime"] - trip["pickup_datetime"]).total_seconds() / 60 for trip in clean.to_pylist()]
    assert clean.column("duration").to_pylist() == expected


def test_the_duration_of_a_trip_does_not_depend_on_the_other_trips() -> None:
    trips = green_trips([1 + step / 7 for step in range(200)])
    alone = [clean_trips(trips.slice(row, 1)).column("duration")[0].as_py() for row in range(200)]
    assert clean_trips(trips).column("duration").to_pylist() == alone


def test_trips_of_exactly_1_and_60_minutes_are_kept() -> None:
    instant = 1 / 60_000_000
    trips = green_trips([1 - instant, 1, 1 + instant, 60 - instant, 60, 60 + instant])
    kept = clean_trips(trips).column("dropoff_datetime").to_pylist()
    assert kept == trips.column("lpep_dropoff_datetime").to_pylist()[1:5]


def test_extreme_durations_are_kept_on_request() -> None:
    trips = green_trips([-5, 0, 0.5, 10, 600])
    assert clean_trips(trips, include_extreme_durations=True).column("duration").to_pylist() == [-5, 0, 0.5, 10, 600]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("lpep_pickup_datetime", pa.array([None, PICKUP], pa.timestamp("us"))),
        ("lpep_dropoff_datetime", pa.array([None, PICKUP + timedelta(minutes=10)], pa.timestamp("us"))),
        ("PULocationID", pa.array([None, 236], pa.int32())),
        ("DOLocationID", pa.array([float("nan"), 239.0])),
        ("trip_distance", pa.array([float("inf"), 1.98])),
    ],
)
def test_a_trip_without_a_usable_value_is_dropped_even_with_extreme_durations(column: str, values: pa.Array) -> None:
    clean = clean_trips(green_trips([10, 10], **{column: values}), include_extreme_durations=True)
    assert clean.num_rows == 1


def test_trips_keep_their_order() -> None:
    clean = clean_trips(green_trips([30, 0, 5, 20]))
    assert clean.column("duration").to_pylist() == [30, 5, 20]


def test_a_table_without_trips_gives_one_without_trips() -> None:
    clean = clean_trips(green_trips([]))
    assert (clean.num_rows, clean.schema) == (0, CLEAN_SCHEMA)


def test_yellow_trips_give_what_green_ones_give() -> None:
    yellow = green_trips([5, 90]).rename_columns([name.replace("lpep", "tpep") for name in green_trips().column_names])
    assert clean_trips(yellow, "yellow") == clean_trips(green_trips([5, 90]))


def test_a_third_service_is_one_more_row(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("hire", "pickup", "dropOff", PULocationID="PU", DOLocationID="DO", trip_distance="miles")
    monkeypatch.setitem(SERVICES, "hire", service)
    trips = green_trips([5, 90]).rename_columns(["pickup", "dropOff", "PU", "DO", "miles"])
    assert clean_trips(trips, "hire") == clean_trips(green_trips([5, 90]))


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(SettingError, match="purple"):
        clean_trips(green_trips(), "purple")


@pytest.mark.parametrize("column", green_trips().column_names)
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(TripFileError, match=f"{column}' is missing"):
        clean_trips(green_trips().drop_columns([column]))


@pytest.mark.parametrize("column", green_trips().column_names)
def test_a_column_of_strings_is_named(column: str) -> None:
    with pytest.raises(TripFileError, match=f"{column}' is string"):
        clean_trips(green_trips(**{column: pa.array(["x"])}))


def test_a_file_without_a_column_is_refused_and_named(tmp_path: Path) -> None:
    pq.write_table(green_trips().drop_columns(["trip_distance"]), tmp_path / "raw.parquet")
    with pytest.raises(TripFileError, match=r"raw\.parquet: column 'trip_distance' is missing"):
        clean_trip_file(tmp_path / "raw.parquet", tmp_path / "clean.parquet")


def test_a_file_of_several_row_groups_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    write_sample_month(tmp_path / "raw.parquet", "green", "2024-01", 280_000, seed=3)
    for name in ("one", "two"):
        clean_trip_file(tmp_path / "raw.parquet", tmp_path / name)
    assert pq.read_metadata(tmp_path / "one").num_row_groups > 1
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("service", ["green", "yellow"])
@pytest.mark.parametrize("month", ["2023-01", "2024-01", "2025-01"])
def test_files_of_every_year_give_one_schema(tmp_path: Path, service: str, month: str) -> None:
    write_sample_month(tmp_path / "raw.parquet", service, month, 500, seed=1)
    clean_trip_file(tmp_path / "raw.parquet", tmp_path / "clean.parquet", service)
    assert pq.read_schema(tmp_path / "clean.parquet") == CLEAN_SCHEMA


def test_times_are_those_of_the_raw_trips() -> None:
    (trip,) = clean_trips(green_trips([10])).to_pylist()
    assert (trip["pickup_datetime"], trip["dropoff_datetime"]) == (PICKUP, datetime(2024, 1, 5, 8, 10))  # noqa: DTZ001
