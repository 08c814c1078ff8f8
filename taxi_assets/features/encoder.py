"""The encoder: trips to a sparse matrix.

The matrix equals that of scikit-learn's `DictVectorizer` over the same records, column for column
and value for value, but is built from integer codes and not from a dict a row. Its indices are
int32: scikit-learn's linear models refuse others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin

from taxi_assets.errors import StoredError
from taxi_assets.features.feature_sets import Categorical, feature_set_named
from taxi_assets.features.records import Trips, to_frame

ABSENT = -1


@dataclass(frozen=True)
class CodedColumn:
    """A categorical feature of n trips: `values[codes[i]]` is the value of trip i."""

    codes: npt.NDArray[np.int32]
    values: list[str]

    def used(self, rows: npt.NDArray[np.bool_] | None = None) -> list[str]:
        """The values that occur in these rows (all where None), sorted."""
        codes = self.codes if rows is None else self.codes[rows]
        counts = np.bincount(codes, minlength=len(self.values))
        return sorted(value for value, count in zip(self.values, counts, strict=True) if count)


@dataclass(frozen=True)
class FeatureColumns:
    """The features of n trips before encoding, in the order of their blocks of columns."""

    names: list[str]
    columns: list[CodedColumn | npt.NDArray[np.float64]]
    rows: int

    @classmethod
    def of(cls, trips: Trips, feature_set: str) -> "FeatureColumns":
        """Compute the features of trips.

        Raises:
            SettingError: the feature set is unknown.
            RecordError: a field is missing or has a value that cannot be used.
        """
        known = feature_set_named(feature_set)
        frame = to_frame(trips, known.fields)
        names: list[str] = []
        columns: list[CodedColumn | npt.NDArray[np.float64]] = []
        for block in known.blocks():
            series = frame.select(block.expression.alias(block.name)).to_series()
            names.append(block.name)
            if isinstance(block, Categorical):
                coded = series.to_arrow().dictionary_encode()
                codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
                columns.append(CodedColumn(codes, coded.dictionary.to_pylist()))
            else:
                columns.append(series.to_numpy().astype(np.float64, copy=False))
        return cls(names, columns, frame.height)

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
    for position, (name, feature) in enumerate(zip(features.names, features.columns, strict=True)):
        if isinstance(feature, CodedColumn):
            known = {value: width + index for index, value in enumerate(vocabularies[name])}
            lookup = np.array([known.get(value, ABSENT) for value in feature.values], dtype=np.int32)
            columns[:, position] = lookup[feature.codes] if feature.values else ABSENT
            width += len(known)
        else:
            columns[:, position] = width
            data[:, position] = feature
            width += 1
    present = columns != ABSENT
    indptr = np.zeros(features.rows + 1, dtype=np.int32)
    np.cumsum(present.sum(axis=1, dtype=np.int32), out=indptr[1:])
    if present.all():
        indices, values = columns.ravel(), data.ravel()
    else:
        indices, values = columns[present], data[present]
    return csr_matrix((values, indices, indptr), shape=(features.rows, width), copy=False)


class TripEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A scikit-learn transformer from raw trips to a matrix.

    Takes what `records.Trips` names: tables, frames, or mappings with `PULocationID`, `DOLocationID`
    and `trip_distance`, as strings or numbers.

    Args:
        feature_set: name of the feature set.

    Attributes:
        vocabularies_: for each categorical feature the values seen in training, sorted, an array of
            strings (as an array it takes a tenth of the space of a list in a model's file).
    """

    vocabularies_: dict[str, npt.NDArray[np.str_]]

    def __init__(self, feature_set: str = "course") -> None:
        self.feature_set = feature_set

    def fit(self, trips: Trips, y: object = None) -> "TripEncoder":  # noqa: ARG002  # scikit-learn passes it
        """Learn the vocabularies of trips. Raises as `FeatureColumns.of`."""
        return self.fit_features(FeatureColumns.of(trips, self.feature_set))

    def fit_features(self, features: FeatureColumns) -> "TripEncoder":
        """Learn the vocabularies of features that were computed already."""
        self.vocabularies_ = _as_arrays(features.vocabularies())
        return self

    def transform(self, trips: Trips) -> csr_matrix:
        """Encode trips, n × m; values not seen in training are left out. Raises as `FeatureColumns.of`."""
        return self.transform_features(FeatureColumns.of(trips, self.feature_set))

    def transform_features(self, features: FeatureColumns) -> csr_matrix:
        """As `transform`, of features that were computed already."""
        return encode(features, {name: values.tolist() for name, values in self.vocabularies_.items()})

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[Any]:  # noqa: ARG002  # as above
        """The names of the m columns, sorted: `PU_DO=236_239` …, `trip_distance`."""
        names: list[str] = []
        for block in feature_set_named(self.feature_set).blocks():
            if isinstance(block, Categorical):
                names += [f"{block.name}={value}" for value in self.vocabularies_[block.name]]
            else:
                names.append(block.name)
        return np.array(names, dtype=object)

    def save(self, path: Path) -> None:
        """Write the encoder as JSON."""
        vocabularies = {name: values.tolist() for name, values in self.vocabularies_.items()}
        content = {"feature_set": self.feature_set, "vocabularies": vocabularies}
        path.write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "TripEncoder":
        """Read an encoder that `save` wrote.

        Raises:
            StoredError: the file is not that of an encoder.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            encoder = cls(feature_set_named(content["feature_set"]).name)
            encoder.vocabularies_ = _as_arrays(content["vocabularies"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoredError(f"{path} is not the file of an encoder.") from error
        return encoder


def _as_arrays(vocabularies: Mapping[str, Sequence[str]]) -> dict[str, npt.NDArray[np.str_]]:
    return {name: np.array(values, dtype=np.str_) for name, values in vocabularies.items()}
