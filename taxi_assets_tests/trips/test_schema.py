"""The columns that a trip file must have."""

import pyarrow as pa
import pytest

from taxi_assets.errors import SettingError, TripFileError
from taxi_assets.trips.schema import SERVICES, column_problems, require_columns, service_named
from taxi_assets_tests.trips.tables import green_trips

GREEN = SERVICES["green"]


def test_an_unknown_service_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match="'purple' is unknown: it is one of green, yellow"):
        service_named("purple")


@pytest.mark.parametrize(
    ("service", "pickup", "dropoff"),
    [
        ("green", "lpep_pickup_datetime", "lpep_dropoff_datetime"),
        ("yellow", "tpep_pickup_datetime", "tpep_dropoff_datetime"),
    ],
)
def test_each_service_names_its_times_differently(service: str, pickup: str, dropoff: str) -> None:
    columns = service_named(service).columns()
    assert (columns["pickup_datetime"], columns["dropoff_datetime"]) == (pickup, dropoff)


@pytest.mark.parametrize("type_", [pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()])
def test_a_zone_may_be_any_number(type_: pa.DataType) -> None:
    trips = green_trips(PULocationID=pa.array([236]).cast(type_))
    assert column_problems(trips.schema, GREEN) == {}


@pytest.mark.parametrize("column", list(GREEN.columns().values()))
def test_a_missing_column_is_named(column: str) -> None:
    schema = green_trips().drop_columns([column]).schema
    assert column_problems(schema, GREEN) == {column: "is missing"}


@pytest.mark.parametrize("column", list(GREEN.columns().values()))
def test_a_column_of_strings_is_named(column: str) -> None:
    schema = green_trips(**{column: pa.array(["x"])}).schema
    assert list(column_problems(schema, GREEN)) == [column]


def test_the_error_tells_the_file_the_column_and_the_service() -> None:
    with pytest.raises(TripFileError, match=r"may\.parquet: column 'tpep_pickup_datetime' is missing.*yellow"):
        require_columns(green_trips().schema, SERVICES["yellow"], "may.parquet")
