"""scikit-learn's DictVectorizer: what the encoder is measured by."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import DictVectorizer

from taxi_assets.features.encoder import TripEncoder


def course_records(trips: pa.Table) -> list[dict[str, str | float]]:
    """The records of the course's features."""
    columns = (trips.column(name).to_pylist() for name in ("PULocationID", "DOLocationID", "trip_distance"))
    return [{"PU_DO": f"{pu}_{do}", "trip_distance": miles} for pu, do, miles in zip(*columns, strict=True)]


def vectorize(fitted_on: Sequence[dict], records: Sequence[dict]) -> tuple[csr_matrix, list[str]]:
    """The matrix of records in the vocabulary of others, and the names of its columns."""
    vectorizer = DictVectorizer().fit(fitted_on)
    return vectorizer.transform(records), vectorizer.get_feature_names_out().tolist()


def assert_equal(matrix: csr_matrix, encoder: TripEncoder, expected: csr_matrix, names: Sequence[str]) -> None:
    """Equal column for column and value for value, in what is stored and in what it is called."""
    assert encoder.get_feature_names_out().tolist() == list(names)
    assert matrix.shape == expected.shape
    np.testing.assert_array_equal(matrix.indptr, expected.indptr)
    np.testing.assert_array_equal(matrix.indices, expected.indices)
    np.testing.assert_array_equal(matrix.data, expected.data)
