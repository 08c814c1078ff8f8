"""Raw records of trips, as a caller sends them, brought to one frame of known types."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from numbers import Real
from typing import Any, TypeAlias

import pandas as pd
import polars as pl
import pyarrow as pa

from taxi_assets.errors import TaxiError

Trips: TypeAlias = pa.Table | pd.DataFrame | pl.DataFrame | Sequence[Mapping[str, Any]]

FIELD_TYPES: Mapping[str, pl.DataType] = {
    "PULocationID": pl.String(),
    "DOLocationID": pl.String(),
    "trip_distance": pl.Float64(),
    "pickup_datetime": pl.Datetime("us"),
}
"""The fields of a trip that a feature may be made from."""


class RecordError(TaxiError):
    """A record lacks a field, or a field has a value that cannot be used."""


def to_frame(trips: Trips, fields: Sequence[str]) -> pl.DataFrame:
    """A frame with just these fields: zones as strings, distances as floats, times in microseconds.

    Args:
        trips: a table or frame, or a sequence of mappings. A zone may be a string or a whole number.
        fields: names out of `FIELD_TYPES`.

    Raises:
        RecordError: a field is missing, null, not finite or of a type that cannot be read; it is named.
    """
    return pl.DataFrame([_read(_values(trips, field), field) for field in fields])


def _values(trips: Trips, field: str) -> pl.Series | list[Any]:
    """The values of a field: a typed column, or Python's objects, which may be of several types."""
    if isinstance(trips, (pa.Table, pd.DataFrame, pl.DataFrame)):
        if field not in (trips.column_names if isinstance(trips, pa.Table) else trips.columns):
            raise RecordError(f"Field {field!r} is missing.")
        column = trips[field]
        if isinstance(column, pl.Series):
            return column
        if isinstance(column, pd.Series):
            return column.tolist() if column.dtype == object else pl.from_pandas(column)
        series = pl.from_arrow(column)
        assert isinstance(series, pl.Series)
        return series
    for row, record in enumerate(trips):
        if field not in record:
            raise RecordError(f"Field {field!r} of record {row} is missing.")
    return [record[field] for record in trips]


def _read(values: pl.Series | list[Any], field: str) -> pl.Series:
    series = _from_objects(values, field) if isinstance(values, list) else _from_typed(values, field)
    usable = series.is_finite() if series.dtype == pl.Float64 else series.is_not_null()
    if not usable.fill_null(False).all():
        row = int(usable.fill_null(False).arg_min() or 0)
        raise _unusable(field, row, values[row])
    return series.alias(field)


def _from_objects(values: list[Any], field: str) -> pl.Series:
    type_ = FIELD_TYPES[field]
    read = READERS[type_]
    result = []
    for row, value in enumerate(values):
        try:
            result.append(read(value))
        except (ValueError, TypeError, OverflowError) as error:
            raise _unusable(field, row, value) from error
    return pl.Series(field, result, type_)


def _from_typed(values: pl.Series, field: str) -> pl.Series:
    type_ = FIELD_TYPES[field]
    if values.dtype == type_:
        return values
    if type_ == pl.String and values.dtype.is_float():
        # A part of a zone is no zone: it becomes null.
        return values.set(values != values.floor(), None).cast(pl.Int64, strict=False).cast(pl.String)
    if type_ == pl.String and values.dtype.is_integer():
        return values.cast(pl.String)
    if type_ == pl.Float64 and values.dtype.is_numeric():
        return values.cast(pl.Float64)
    if type_ == pl.Datetime("us") and values.dtype == pl.String:
        return values.str.to_datetime(time_unit="us", strict=False)
    if type_ == pl.Datetime("us") and values.dtype.is_temporal():
        return values.cast(type_)
    wanted = {pl.String(): "a zone's id", pl.Float64(): "a number"}.get(type_, "a time")
    raise RecordError(f"Field {field!r} must be {wanted}, not {values.dtype}.")


def _zone(value: Any) -> str:
    if isinstance(value, str):
        value.encode()  # a lone surrogate is no text
        return value
    if value != int(_number(value)):
        raise ValueError(value)
    return str(int(value))


def _number(value: Any) -> float:
    # A truth value counts as a number in Python, and is none here.
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


READERS: Mapping[pl.DataType, Callable[[Any], Any]] = {
    pl.String(): _zone,
    pl.Float64(): _number,
    pl.Datetime("us"): _time,
}


def _unusable(field: str, row: int, value: Any) -> RecordError:
    return RecordError(f"Field {field!r} of record {row} has no usable value ({str(value)[:80]!r}).")
