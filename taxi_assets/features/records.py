"""Raw records of trips, as a caller sends them, brought to one frame of known types."""

from collections.abc import Mapping, Sequence
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
    frame = _as_polars(trips, fields)
    for field in fields:
        if field not in frame.columns:
            raise RecordError(f"Field {field!r} is missing.")
    try:
        result = frame.select(_convert(frame.schema[field], field) for field in fields)
    except pl.exceptions.PolarsError as error:
        raise RecordError(f"A field has a value that cannot be read: {str(error).splitlines()[0]}") from error
    for field in fields:
        column = result[field]
        usable = column.is_finite() if column.dtype == pl.Float64 else column.is_not_null()
        if not usable.fill_null(False).all():
            row = int(usable.fill_null(False).arg_min() or 0)
            raise RecordError(f"Field {field!r} of record {row} has no usable value ({column[row]}).")
    return result


def _as_polars(trips: Trips, fields: Sequence[str]) -> pl.DataFrame:
    if isinstance(trips, pl.DataFrame):
        return trips
    if isinstance(trips, pa.Table):
        frame = pl.from_arrow(trips.select([field for field in fields if field in trips.column_names]))
        assert isinstance(frame, pl.DataFrame)
        return frame
    if isinstance(trips, pd.DataFrame):
        return pl.from_pandas(trips[[field for field in fields if field in trips.columns]])
    for row, record in enumerate(trips):
        for field in fields:
            if field not in record:
                raise RecordError(f"Field {field!r} of record {row} is missing.")
    columns = {}
    for field in fields:
        values = [record[field] for record in trips]
        if "LocationID" in field:
            # Ids arrive as strings and as integers, also side by side.
            values = [str(value) if isinstance(value, int) else value for value in values]
        try:
            columns[field] = pl.Series(field, values, strict=True)
        except (TypeError, pl.exceptions.PolarsError) as error:
            raise RecordError(f"Field {field!r} has values of several types.") from error
    return pl.DataFrame(columns)


def _convert(type_: pl.DataType, field: str) -> pl.Expr:
    column = pl.col(field)
    wanted = FIELD_TYPES[field]
    if wanted == pl.String:
        if type_.is_float():
            column = column.cast(pl.Int64)
        elif not (type_.is_integer() or type_ == pl.String):
            raise RecordError(f"Field {field!r} must be a zone's id, not {type_}.")
    elif wanted == pl.Float64 and not type_.is_numeric():
        raise RecordError(f"Field {field!r} must be a number, not {type_}.")
    elif wanted == pl.Datetime("us") and type_ == pl.String:
        return column.str.to_datetime(time_unit="us")
    return column.cast(wanted)
