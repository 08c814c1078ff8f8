"""Raw records: what is read, and what is refused with which words."""

import re
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from taxi_assets.features.records import RecordError, to_frame

FIELDS = ["DOLocationID", "PULocationID", "trip_distance"]
NO_NUMBERS = ["1.98", "abc", "", True, [1.0], {}, b"1", pytest.param(10**400, id="huge")]
GOOD: dict[str, Any] = {"PULocationID": "236", "DOLocationID": "239", "trip_distance": 1.98}


def _records(field: str, *values: Any) -> list[dict[str, Any]]:
    return [GOOD | {field: value} for value in values]


def _read(field: str, *values: Any) -> list[Any]:
    return to_frame(_records(field, *values), FIELDS)[field].to_list()


def _refused(trips: Any, *words: str) -> None:
    with pytest.raises(RecordError) as caught:
        to_frame(trips, FIELDS)
    assert [word for word in words if not re.search(rf"\b{word}\b", str(caught.value))] == []


def test_fields_get_their_types() -> None:
    assert to_frame([GOOD], FIELDS).schema == {
        "DOLocationID": pl.String(),
        "PULocationID": pl.String(),
        "trip_distance": pl.Float64(),
    }


@pytest.mark.parametrize(
    "ids", [("236", "65"), (236, 65), ("236", 65), (236, "65"), (236.0, 65.0), (np.int64(236), np.int64(65))]
)
def test_ids_may_be_strings_and_whole_numbers_side_by_side(ids: tuple[Any, ...]) -> None:
    assert _read("PULocationID", *ids) == ["236", "65"]


@pytest.mark.parametrize("distances", [(1, 2), (1.0, 2.0), (1, 2.0), (1.0, 2), (np.float32(1), np.int64(2))])
def test_distances_may_be_whole_and_not_side_by_side(distances: tuple[Any, ...]) -> None:
    assert _read("trip_distance", *distances) == [1.0, 2.0]


def test_fields_that_no_feature_needs_are_ignored() -> None:
    assert to_frame([GOOD | {"fare": object()}], FIELDS).columns == FIELDS


def test_a_time_may_be_text_or_a_time() -> None:
    at = datetime(2024, 1, 5, 8, 30)  # noqa: DTZ001
    frames = [to_frame([{"pickup_datetime": value}], ["pickup_datetime"]) for value in (at, at.isoformat())]
    assert [frame.item() for frame in frames] == [at, at]


def test_text_that_is_no_time_is_refused() -> None:
    with pytest.raises(RecordError, match="pickup_datetime"):
        to_frame([{"pickup_datetime": "soon"}], ["pickup_datetime"])


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_is_named_with_its_record(field: str) -> None:
    lacking = {name: value for name, value in GOOD.items() if name != field}
    _refused([GOOD, lacking], field, "1")


@pytest.mark.parametrize("field", FIELDS)
def test_a_null_is_named_with_its_record(field: str) -> None:
    _refused(_records(field, GOOD[field], None), field, "1")


@pytest.mark.parametrize("field", FIELDS)
def test_a_lone_null_is_named(field: str) -> None:
    _refused(_records(field, None), field)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_distance_that_is_not_finite_is_named_with_its_record(value: float) -> None:
    _refused(_records("trip_distance", 1.0, value), "trip_distance", "1")


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_a_distance_that_is_no_number_is_named_with_its_record(value: Any) -> None:
    _refused(_records("trip_distance", 1.0, value), "trip_distance", "1")


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_a_lone_distance_that_is_no_number_is_named(value: Any) -> None:
    _refused(_records("trip_distance", value), "trip_distance")


@pytest.mark.parametrize("value", [65.5, float("nan"), True, [65], b"65", "\ud800"])
def test_an_id_that_is_neither_text_nor_a_whole_number_is_named(value: Any) -> None:
    _refused(_records("PULocationID", value), "PULocationID")


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.Table.from_pylist])
def test_a_missing_column_is_named(frame: Any) -> None:
    _refused(frame([{name: value for name, value in GOOD.items() if name != "DOLocationID"}]), "DOLocationID")


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.Table.from_pylist])
def test_a_column_of_text_distances_is_named(frame: Any) -> None:
    _refused(frame(_records("trip_distance", "1.98")), "trip_distance")


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.Table.from_pylist])
@pytest.mark.parametrize("field", FIELDS)
def test_a_null_in_a_column_is_named_with_its_row(frame: Any, field: str) -> None:
    _refused(frame(_records(field, GOOD[field], None)), field, "1")


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.Table.from_pylist])
def test_a_column_of_ids_with_a_fraction_is_named(frame: Any) -> None:
    _refused(frame(_records("PULocationID", 65.0, 65.5)), "PULocationID")


def test_a_pandas_column_of_numbers_and_text_is_named() -> None:
    _refused(pd.DataFrame(_records("trip_distance", 1.0, "x")), "trip_distance")


def test_a_pandas_column_of_ids_may_mix_text_and_whole_numbers() -> None:
    frame = to_frame(pd.DataFrame(_records("PULocationID", "236", 65)), FIELDS)
    assert frame["PULocationID"].to_list() == ["236", "65"]


def test_the_index_of_a_pandas_frame_does_not_matter() -> None:
    frame = pd.DataFrame(_records("trip_distance", 1.0, 2.0), index=[7, 7])
    assert to_frame(frame, FIELDS)["trip_distance"].to_list() == [1.0, 2.0]
