"""The encoder: trips to a sparse matrix.

The matrix equals that of scikit-learn's `DictVectorizer` over the same records, column for column
and value for value, but is built from integer codes and not from a dict a row. Its indices are
int32: scikit-learn's linear models refuse others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from taxi_assets.errors import SettingError, StoredError
from taxi_assets.features.feature_sets import Categorical, Numeric, feature_set_named, fields_of
from taxi_assets.features.records import Trips, to_frame
from taxi_assets.trips.cleaning import CLEAN_SCHEMA

ABSENT = -1


@dataclass(frozen=True)
class CodedColumn:
    """A categorical feature of n trips: `values[codes[i]]` is the value of trip i; the values are sorted."""

    codes: npt.NDArray[np.int32]
    values: pa.Array

    @classmethod
    def of(cls, column: pa.Array) -> "CodedColumn":
        """Code a column of strings without nulls."""
        coded = column.dictionary_encode()
        # By bytes of UTF-8, which is the order of the characters too.
        order = pc.sort_indices(coded.dictionary)
        rank = np.empty(len(order), dtype=np.int32)
        rank[order.to_numpy()] = np.arange(len(order), dtype=np.int32)
        return cls(rank[coded.indices.to_numpy(zero_copy_only=False)], coded.dictionary.take(order))

    def used(self) -> list[str]:
        """The values that occur, sorted."""
        counts = np.bincount(self.codes, minlength=len(self.values))
        values: list[str] = self.values.take(pa.array(np.flatnonzero(counts))).to_pylist()
        return values


@dataclass(frozen=True)
class FeatureColumns:
    """The features of n trips before encoding, in the order of their blocks of columns."""

    names: list[str]
    columns: list[CodedColumn | npt.NDArray[np.float64]]
    rows: int

    @classmethod
    def of(cls, trips: Trips, feature_set: str) -> "FeatureColumns":
        """Compute the features of trips. What clean trips carry already, as `PU_DO`, is taken from them.

        Raises:
            SettingError: the feature set is unknown.
            RecordError: a field is missing or has a value that cannot be used.
        """
        blocks = feature_set_named(feature_set).blocks()
        carried = {block.name: column for block in blocks if (column := _carried(trips, block)) is not None}
        computed = [block for block in blocks if block.name not in carried]
        frame = to_frame(trips, fields_of(computed))
        columns: list[CodedColumn | npt.NDArray[np.float64]] = []
        for block in blocks:
            if block.name in carried:
                columns.append(CodedColumn.of(carried[block.name]))
                continue
            column = frame.select(block.expression).to_series()
            if isinstance(block, Categorical):
                columns.append(CodedColumn.of(column.to_arrow()))
            else:
                columns.append(column.to_numpy().astype(np.float64, copy=False))
        return cls([block.name for block in blocks], columns, len(trips))

    def select(self, rows: npt.NDArray[np.bool_]) -> "FeatureColumns":
        """The trips where `rows` (n booleans) is true."""
        columns = [
            CodedColumn(column.codes[rows], column.values) if isinstance(column, CodedColumn) else column[rows]
            for column in self.columns
        ]
        return FeatureColumns(self.names, columns, int(np.count_nonzero(rows)))

    def vocabularies(self) -> dict[str, list[str]]:
        """The values of each categorical feature that occur, sorted."""
        return {
            name: column.used()
            for name, column in zip(self.names, self.columns, strict=True)
            if isinstance(column, CodedColumn)
        }


def _carried(trips: Trips, block: Categorical | Numeric) -> pa.Array | None:
    """The column of clean trips that is a categorical feature; None where it is to be computed."""
    if not isinstance(block, Categorical) or not isinstance(trips, pa.Table):
        return None
    if not trips.schema.equals(CLEAN_SCHEMA) or block.name not in CLEAN_SCHEMA.names:
        return None
    column = trips[block.name]
    return column.combine_chunks() if column.null_count == 0 else None


def encode(features: FeatureColumns, vocabularies: Mapping[str, Sequence[str]]) -> csr_matrix:
    """Encode features with given vocabularies.

    Args:
        features: the features of n trips.
        vocabularies: the known values of each categorical feature, sorted; another value is left out.

    Returns:
        n × m, float64 data and int32 indices; m is the number of known values and numeric features.
    """
    width = 0
    columns = np.empty((features.rows, len(features.columns)), dtype=np.int32)
    data = np.ones(columns.shape, dtype=np.float64)
    entries = np.zeros(features.rows, dtype=np.int32)
    for position, (name, feature) in enumerate(zip(features.names, features.columns, strict=True)):
        if isinstance(feature, CodedColumn):
            vocabulary = pa.array(vocabularies[name], feature.values.type)
            index = pc.fill_null(pc.index_in(feature.values, vocabulary), ABSENT).to_numpy(zero_copy_only=False)
            found = np.where(index == ABSENT, ABSENT, index + width)[feature.codes]
            columns[:, position] = found
            entries += found != ABSENT
            width += len(vocabulary)
        else:
            columns[:, position] = width
            data[:, position] = feature
            entries += 1
            width += 1
    indptr = np.zeros(features.rows + 1, dtype=np.int32)
    np.cumsum(entries, out=indptr[1:])
    if indptr[-1] == columns.size:
        indices, values = columns.ravel(), data.ravel()
    else:
        present = columns != ABSENT
        indices, values = columns[present], data[present]
    return csr_matrix((values, indices, indptr), shape=(features.rows, width), copy=False)


class TripEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A scikit-learn transformer from raw trips to a matrix.

    Takes what `records.Trips` names: tables, frames, or mappings with `PULocationID`, `DOLocationID`
    and `trip_distance`, as strings or numbers.

    Args:
        feature_set: name of the feature set.

    Attributes:
        vocabularies_: for each categorical feature the values seen in training, sorted.
    """

    vocabularies_: dict[str, list[str]]

    def __init__(self, feature_set: str = "course") -> None:
        self.feature_set = feature_set

    def fit(self, trips: Trips, y: object = None) -> "TripEncoder":  # noqa: ARG002  # scikit-learn passes it
        """Learn the vocabularies of trips. Raises as `FeatureColumns.of`."""
        return self.fit_features(FeatureColumns.of(trips, self.feature_set))

    def fit_features(self, features: FeatureColumns) -> "TripEncoder":
        """Learn the vocabularies of features that were computed already."""
        self.vocabularies_ = features.vocabularies()
        return self

    def transform(self, trips: Trips) -> csr_matrix:
        """Encode trips, n × m; values not seen in training are left out. Raises as `FeatureColumns.of`."""
        return self.transform_features(FeatureColumns.of(trips, self.feature_set))

    def transform_features(self, features: FeatureColumns) -> csr_matrix:
        """As `transform`, of features that were computed already."""
        check_is_fitted(self, "vocabularies_")
        return encode(features, self.vocabularies_)

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[Any]:  # noqa: ARG002  # as above
        """The names of the m columns, sorted: `PU_DO=236_239` …, `trip_distance`."""
        names: list[str] = []
        for block in feature_set_named(self.feature_set).blocks():
            if isinstance(block, Categorical):
                names += [f"{block.name}={value}" for value in self.vocabularies_[block.name]]
            else:
                names.append(block.name)
        return np.array(names, dtype=object)

    def to_json(self) -> str:
        """The encoder as text: what is written on disk, alone and in a model's file."""
        return json.dumps({"feature_set": self.feature_set, "vocabularies": self.vocabularies_})

    @classmethod
    def from_json(cls, text: str) -> "TripEncoder":
        """The encoder of a text that `to_json` gave.

        Raises:
            StoredError: the text is not that of an encoder.
        """
        try:
            content = json.loads(text)
            blocks = feature_set_named(content["feature_set"]).blocks()
            encoder = cls(content["feature_set"])
            encoder.vocabularies_ = {
                block.name: _require_texts(content["vocabularies"][block.name])
                for block in blocks
                if isinstance(block, Categorical)
            }
        except (ValueError, KeyError, TypeError, SettingError) as error:
            raise StoredError(f"This is not the text of an encoder: {error}.") from error
        return encoder

    def __getstate__(self) -> dict[str, str]:
        # An encoder that has learnt nothing yet is its arguments.
        return {"json": self.to_json()} if hasattr(self, "vocabularies_") else self.get_params()

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__dict__.update(TripEncoder.from_json(state["json"]).__dict__ if "json" in state else state)


def _require_texts(values: object) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("a vocabulary is a list of strings")
    return values
