"""The synthetic months."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from taxi_assets.errors import SettingError
from taxi_assets.features import TripEncoder
from taxi_assets.trips import clean_trips
from taxi_assets.trips.sample import CHUNK_ROWS, month_schema, write_sample_month
from taxi_assets.trips.zones import zones

DEFAULTS = {"service": "green", "month": "2024-01", "rows": 500, "seed": 1}


def _bytes(folder: Path, **changes: object) -> bytes:
    path = folder / "sample.parquet"
    write_sample_month(path, **(DEFAULTS | changes))  # type: ignore[arg-type]
    return path.read_bytes()


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    path = tmp_path_factory.mktemp("january") / "sample.parquet"
    write_sample_month(path, "green", "2024-01", 60_000, seed=42)
    return pq.read_table(path)


@pytest.fixture(scope="module")
def trips(january: pa.Table) -> pd.DataFrame:
    frame = january.to_pandas()
    frame["minutes"] = (frame["lpep_dropoff_datetime"] - frame["lpep_pickup_datetime"]).dt.total_seconds() / 60
    return frame


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    assert _bytes(tmp_path) == _bytes(tmp_path)


@pytest.mark.parametrize("change", [{"seed": 2}, {"month": "2024-02"}, {"service": "yellow"}, {"rows": 501}])
def test_another_argument_gives_other_trips(tmp_path: Path, change: dict[str, object]) -> None:
    assert _bytes(tmp_path, **change) != _bytes(tmp_path)


@pytest.mark.parametrize(("month", "service"), [("2024-02", "green"), ("2024-01", "yellow")])
def test_another_month_or_service_drives_other_ways(tmp_path: Path, month: str, service: str) -> None:
    ways = []
    for arguments in ({}, {"month": month, "service": service}):
        _bytes(tmp_path, **arguments)
        ways.append(pq.read_table(tmp_path / "sample.parquet", columns=["PULocationID", "DOLocationID"]))
    assert ways[0] != ways[1]


@pytest.mark.parametrize("rows", [1, 777, CHUNK_ROWS + 1])
def test_a_month_has_exactly_the_rows_asked_for(tmp_path: Path, rows: int) -> None:
    _bytes(tmp_path, rows=rows)
    assert pq.read_metadata(tmp_path / "sample.parquet").num_rows == rows


@pytest.mark.parametrize("change", [{"service": "purple"}, {"month": "2024-13"}, {"month": "January"}])
def test_an_unknown_service_or_month_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        _bytes(tmp_path, **change)


@pytest.mark.parametrize("service", ["green", "yellow"])
@pytest.mark.parametrize("month", ["2023-01", "2023-02", "2024-02", "2025-01"])
def test_a_file_has_the_schema_of_its_month(tmp_path: Path, service: str, month: str) -> None:
    _bytes(tmp_path, service=service, month=month)
    assert pq.read_schema(tmp_path / "sample.parquet") == month_schema(service, month)


@pytest.mark.parametrize(
    ("service", "month", "column", "type_"),
    [
        ("green", "2023-01", "PULocationID", pa.int64()),
        ("green", "2023-02", "PULocationID", pa.int32()),
        ("green", "2023-01", "passenger_count", pa.float64()),
        ("green", "2024-01", "passenger_count", pa.int64()),
        ("green", "2023-01", "store_and_fwd_flag", pa.string()),
        ("green", "2024-01", "store_and_fwd_flag", pa.large_string()),
        ("green", "2023-01", "ehail_fee", pa.null()),
        ("green", "2024-01", "ehail_fee", pa.float64()),
        ("yellow", "2023-01", "airport_fee", pa.float64()),
        ("yellow", "2024-01", "Airport_fee", pa.float64()),
        ("green", "2025-01", "cbd_congestion_fee", pa.float64()),
    ],
)
def test_types_differ_from_year_to_year(service: str, month: str, column: str, type_: pa.DataType) -> None:
    assert month_schema(service, month).field(column).type == type_


def test_there_is_no_congestion_fee_before_2025() -> None:
    assert "cbd_congestion_fee" not in month_schema("green", "2024-12").names


def test_nulls_are_only_where_the_real_files_have_them(january: pa.Table) -> None:
    assert {name for name in january.column_names if january.column(name).null_count} == {
        "store_and_fwd_flag",
        "RatecodeID",
        "passenger_count",
        "payment_type",
        "trip_type",
        "congestion_surcharge",
        "ehail_fee",
    }


def test_about_one_trip_in_sixteen_is_recorded_in_part(january: pa.Table) -> None:
    assert 0.05 < january.column("passenger_count").null_count / january.num_rows < 0.07


def test_every_zone_is_one_of_the_table(trips: pd.DataFrame) -> None:
    assert set(trips["PULocationID"]) | set(trips["DOLocationID"]) <= {zone.id for zone in zones()}


@pytest.mark.parametrize(
    ("wart", "low", "high"),
    [
        ("minutes < 1", 0.02, 0.05),
        ("minutes > 60", 0.005, 0.05),
        ("minutes < 0", 0.00002, 0.001),
        ("trip_distance == 0", 0.025, 0.045),
        ("trip_distance > 1000", 0.0003, 0.002),
        ("fare_amount < 0", 0.001, 0.006),
        ("lpep_pickup_datetime < '2024-01-01'", 0.00002, 0.001),
    ],
)
def test_warts_have_about_the_shares_of_the_real_months(
    trips: pd.DataFrame, wart: str, low: float, high: float
) -> None:
    assert low < len(trips.query(wart)) / len(trips) < high


def test_no_trip_begins_after_the_month(trips: pd.DataFrame) -> None:
    assert trips["lpep_pickup_datetime"].max() < pd.Timestamp("2024-02-01")


def test_cleaning_keeps_about_as_many_trips_as_of_the_real_months(january: pa.Table) -> None:
    assert 0.93 < clean_trips(january).num_rows / january.num_rows < 0.98


def test_the_evening_is_slower_than_the_night(trips: pd.DataFrame) -> None:
    usual = trips.query("1 <= minutes <= 60 and 0 < trip_distance < 100")
    speed = usual["trip_distance"] / usual["minutes"]
    hour = usual["lpep_pickup_datetime"].dt.hour
    assert speed[hour == 17].median() < 0.8 * speed[hour == 4].median()


def test_a_linear_model_learns_durations_from_pairs_of_zones(january: pa.Table) -> None:
    clean = clean_trips(january)
    clean = clean.filter(np.asarray(clean.column("trip_distance")) < 1_000)
    train, test = clean.slice(0, 50_000), clean.slice(50_000)
    encoder = TripEncoder().fit(train)
    model = LinearRegression().fit(encoder.transform(train), np.asarray(train.column("duration")))
    predicted = model.predict(encoder.transform(test))
    assert r2_score(np.asarray(test.column("duration")), predicted) > 0.3
