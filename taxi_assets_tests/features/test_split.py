"""Which trips train and which validate."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxi_assets.errors import SettingError
from taxi_assets.features.split import inner_rows, split_rows

TRIPS = pa.table(
    {
        "pickup_datetime": pa.array([0, 1_000_000, 2_000_000, 3_000_000], pa.timestamp("us")),
        "trip_distance": [0.5, 1.5, 2.5, 3.5],
        "passengers": pa.array([1, 2, 3, 4], pa.int32()),
        "PULocationID": ["1", "10", "2", "3"],
    }
)


@pytest.mark.parametrize(
    ("column", "value", "training"),
    [
        ("pickup_datetime", "1970-01-01T00:00:02", 2),
        ("pickup_datetime", "1970-01-01 00:00:01.000001", 2),
        ("trip_distance", "1.5", 1),
        ("trip_distance", "3", 3),
        ("passengers", "3", 2),
        ("passengers", "2.5", 2),
        ("PULocationID", "2", 2),
        ("PULocationID", "100", 2),
    ],
)
def test_rows_below_the_value_train_and_the_value_itself_validates(column: str, value: str, training: int) -> None:
    assert split_rows(TRIPS, column, value).tolist() == [row < training for row in range(4)]


def test_a_date_is_its_first_instant() -> None:
    day = pa.table({"t": pa.array([86_400_000_000 - 1, 86_400_000_000], pa.timestamp("us"))})
    assert split_rows(day, "t", "1970-01-02").tolist() == [True, False]


@pytest.mark.parametrize(
    ("column", "value", "side"),
    [
        ("pickup_datetime", "1970-01-01", "training"),
        ("pickup_datetime", "1970-01-02", "validation"),
        ("trip_distance", "nan", "training"),
        ("PULocationID", "x", "validation"),
    ],
)
def test_an_empty_side_is_refused_and_the_range_told(column: str, value: str, side: str) -> None:
    with pytest.raises(SettingError, match=f"leaves no {side} rows: {column} of these trips runs from"):
        split_rows(TRIPS, column, value)


@pytest.mark.parametrize(
    ("column", "value"),
    [("pickup_datetime", "x"), ("pickup_datetime", "2024-02-30"), ("trip_distance", "far"), ("passengers", "")],
)
def test_a_value_of_another_type_is_refused(column: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"split_on_feature_value='{value}' is not .* which {column} needs"):
        split_rows(TRIPS, column, value)


@pytest.mark.parametrize("value", ["1e30", "inf", "-inf"])
def test_a_whole_number_may_be_compared_with_any_number(value: str) -> None:
    with pytest.raises(SettingError, match="leaves no"):
        split_rows(TRIPS, "passengers", value)


def test_a_column_that_cannot_be_compared_is_refused() -> None:
    with pytest.raises(SettingError, match="shared"):
        split_rows(pa.table({"shared": [True, False]}), "shared", "true")


def test_an_unknown_column_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match="'weather' is not a column: it is one of pickup_datetime, trip_distance"):
        split_rows(TRIPS, "weather", "1")


def test_rows_without_a_value_validate() -> None:
    assert split_rows(pa.table({"x": [1.0, None, 3.0]}), "x", "2").tolist() == [True, False, False]


def test_the_inner_rows_are_the_last_fifth_in_time() -> None:
    times = np.array([50, 10, 30, 20, 40, 90, 70, 80, 60, 0], dtype="datetime64[us]")
    assert np.flatnonzero(inner_rows(times)).tolist() == [5, 7]


def test_of_equal_times_the_later_rows_are_inner() -> None:
    assert inner_rows(np.zeros(10, dtype="datetime64[us]")).tolist() == [False] * 8 + [True] * 2


@given(st.lists(st.integers(0, 30), min_size=5, max_size=60))
def test_no_inner_row_is_earlier_than_another(times: list[int]) -> None:
    values = np.array(times, dtype="datetime64[us]")
    inner = inner_rows(values)
    assert inner.sum() == len(times) // 5
    assert values[inner].min() >= values[~inner].max()


def test_fewer_than_five_rows_are_too_few() -> None:
    with pytest.raises(SettingError, match="4 training rows are too few"):
        inner_rows(np.zeros(4, dtype="datetime64[us]"))
