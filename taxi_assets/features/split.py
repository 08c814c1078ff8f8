"""Which trips train and which validate: all below a value of one column against the rest."""

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from taxi_assets.errors import SettingError

INNER_SHARE = 5
"""The last one in so many training rows, in time, is what tuning and early stopping look at."""


def split_rows(trips: pa.Table, feature: str, value: str) -> npt.NDArray[np.bool_]:
    """Which of n trips train: those whose `feature` is below `value`. n booleans.

    Args:
        trips: n trips.
        feature: a column: a time, a number or a string.
        value: the bound as text, for a time in ISO 8601 (`2024-02-01`).

    Raises:
        SettingError: there is no such column, the value is not of its type, or one side is empty.
    """
    training = rows_below(trips, feature, value)
    count = int(training.sum())
    if count in (0, len(training)):
        side = "training" if count == 0 else "validation"
        bounds = pc.min_max(trips.column(feature)).as_py()
        raise SettingError(
            f"split_on_feature_value={value!r} leaves no {side} rows: "
            f"{feature} of these trips runs from {bounds['min']} to {bounds['max']}."
        )
    return training


def rows_below(trips: pa.Table, feature: str, value: str) -> npt.NDArray[np.bool_]:
    """As `split_rows`, but all of the trips may be on one side."""
    if feature not in trips.column_names:
        raise SettingError(
            f"split_on_feature={feature!r} is not a column: it is one of {', '.join(trips.column_names)}."
        )
    column = trips.column(feature)
    below = pc.less(column, _bound(value, column.type, feature))
    training: npt.NDArray[np.bool_] = below.to_numpy(zero_copy_only=False).astype(bool)
    return training


def inner_rows(times: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which of n training rows tuning is judged on: their last fifth in time. n booleans.

    Args:
        times: pickup times of the training rows. Equal times keep their order.

    Raises:
        SettingError: there are too few rows to set a fifth aside.
    """
    count = len(times) // INNER_SHARE
    if count == 0:
        raise SettingError(f"{len(times)} training rows are too few: at least {INNER_SHARE} are needed.")
    inner = np.zeros(len(times), dtype=bool)
    inner[np.argsort(times, kind="stable")[-count:]] = True
    return inner


def _bound(value: str, type_: pa.DataType, feature: str) -> pa.Scalar:
    try:
        if pa.types.is_timestamp(type_):
            return pa.scalar(datetime.fromisoformat(value), type_)
        if pa.types.is_integer(type_) or pa.types.is_floating(type_):
            return pa.scalar(float(value))
    except ValueError as error:
        kind = "a date as 2024-02-01" if pa.types.is_timestamp(type_) else "a number"
        raise SettingError(f"split_on_feature_value={value!r} is not {kind}, which {feature} needs.") from error
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return pa.scalar(value, type_)
    raise SettingError(f"split_on_feature={feature!r} is {type_}: it must be a time, a number or a string.")
