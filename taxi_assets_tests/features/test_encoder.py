"""The encoder equals DictVectorizer, whatever form the trips have."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from taxi_assets.errors import SettingError
from taxi_assets.features.encoder import TripEncoder
from taxi_assets.features.feature_sets import FEATURE_SETS, Categorical, FeatureSet, Numeric
from taxi_assets_tests.features.reference import assert_equal, course_records, vectorize

ZONES = st.integers(1, 5).map(str) | st.text(st.characters(codec="utf-8"))
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "PULocationID": ZONES,
            "DOLocationID": ZONES,
            "trip_distance": st.sampled_from([0.0, -0.0]) | st.floats(allow_nan=False, allow_infinity=False),
        }
    ),
    min_size=1,
    max_size=12,
)
FEW = settings(max_examples=100, deadline=None)
SMALL = [
    {"PULocationID": "65", "DOLocationID": "170", "trip_distance": 6.0},
    {"PULocationID": "236", "DOLocationID": "239", "trip_distance": 0.0},
    {"PULocationID": "65", "DOLocationID": "239", "trip_distance": 2.0},
]


def _same(one: Any, other: Any) -> bool:
    return one.shape == other.shape and (one != other).nnz == 0 and one.nnz == other.nnz


@FEW
@given(RECORDS)
def test_the_matrix_of_the_records_it_was_fitted_on_equals_dict_vectorizers(records: list[dict]) -> None:
    encoder = TripEncoder().fit(records)
    plain = course_records(pa.Table.from_pylist(records))
    assert_equal(encoder.transform(records), encoder, *vectorize(plain, plain))


@FEW
@given(RECORDS, RECORDS)
def test_the_matrix_of_other_records_equals_dict_vectorizers(known: list[dict], others: list[dict]) -> None:
    encoder = TripEncoder().fit(known)
    plain, plain_others = (course_records(pa.Table.from_pylist(records)) for records in (known, others))
    assert_equal(encoder.transform(others), encoder, *vectorize(plain, plain_others))


def test_the_matrix_of_a_sample_month_equals_dict_vectorizers(clean_sample: pa.Table) -> None:
    encoder = TripEncoder().fit(clean_sample)
    records = course_records(clean_sample)
    assert_equal(encoder.transform(clean_sample), encoder, *vectorize(records, records))


@pytest.mark.parametrize("type_", [int, float, np.int32, np.float64, str])
def test_ids_of_every_type_give_the_same_matrix(type_: Callable[[Any], Any]) -> None:
    others = [trip | {name: type_(int(trip[name])) for name in ("PULocationID", "DOLocationID")} for trip in SMALL]
    assert _same(TripEncoder().fit(SMALL).transform(others), TripEncoder().fit(others).transform(SMALL))
    assert _same(TripEncoder().fit(SMALL).transform(others), TripEncoder().fit(SMALL).transform(SMALL))


def test_ids_of_mixed_types_give_the_same_matrix() -> None:
    mixed = [trip | {"PULocationID": int(trip["PULocationID"])} if row else trip for row, trip in enumerate(SMALL)]
    assert _same(TripEncoder().fit(SMALL).transform(mixed), TripEncoder().fit(SMALL).transform(SMALL))


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame, pa.Table.from_pylist])
@pytest.mark.parametrize("type_", [str, int, float])
def test_tables_and_frames_give_the_matrix_of_their_records(form: Any, type_: Callable[[str], Any]) -> None:
    table = form([trip | {"PULocationID": type_(trip["PULocationID"])} for trip in SMALL])
    encoder = TripEncoder().fit(SMALL)
    assert _same(encoder.transform(table), encoder.transform(SMALL))
    assert _same(TripEncoder().fit(table).transform(SMALL), encoder.transform(SMALL))


def test_a_table_of_several_chunks_gives_the_same_matrix(clean_sample: pa.Table) -> None:
    pieces = pa.concat_tables([clean_sample.slice(0, 7), clean_sample.slice(7)])
    encoder = TripEncoder().fit(pieces)
    assert _same(encoder.transform(pieces), encoder.transform(clean_sample.combine_chunks()))


def test_indices_are_int32_and_data_float64() -> None:
    matrix = TripEncoder().fit(SMALL).transform(SMALL)
    assert (matrix.indices.dtype, matrix.indptr.dtype, matrix.data.dtype) == (np.int32, np.int32, np.float64)


def test_a_distance_of_zero_is_stored() -> None:
    assert TripEncoder().fit(SMALL).transform(SMALL).nnz == 2 * len(SMALL)


def test_an_unknown_pair_leaves_only_its_distance() -> None:
    unknown = {"PULocationID": "1", "DOLocationID": "2", "trip_distance": 3.5}
    matrix = TripEncoder().fit(SMALL).transform([unknown])
    assert matrix.toarray().tolist() == [[0, 0, 0, 3.5]]


def test_no_trips_give_no_rows() -> None:
    assert TripEncoder().fit(SMALL).transform(pl.DataFrame(SMALL).clear()).shape == (0, 4)


def test_columns_are_named_as_dict_vectorizer_names_them() -> None:
    names = ["PU_DO=236_239", "PU_DO=65_170", "PU_DO=65_239", "trip_distance"]
    assert TripEncoder().fit(SMALL).get_feature_names_out().tolist() == names


def test_a_clone_learns_anew() -> None:
    encoder = TripEncoder().fit(SMALL)
    copy = clone(encoder)
    assert copy.get_params() == encoder.get_params()
    assert copy.fit(SMALL[:1]).get_feature_names_out().tolist() == ["PU_DO=65_170", "trip_distance"]


def test_an_unknown_feature_set_is_refused() -> None:
    with pytest.raises(SettingError, match="rich"):
        TripEncoder("rich").fit(SMALL)


def test_a_second_feature_set_equals_dict_vectorizer_too(
    monkeypatch: pytest.MonkeyPatch, clean_sample: pa.Table
) -> None:
    features = (
        Numeric("hour", pl.col("pickup_datetime").dt.hour()),
        Categorical("PULocationID", pl.col("PULocationID")),
        Numeric("trip_distance", pl.col("trip_distance")),
        Categorical("DOLocationID", pl.col("DOLocationID")),
    )
    monkeypatch.setitem(FEATURE_SETS, "rich", FeatureSet("rich", features))
    half = clean_sample.num_rows // 2
    records = [
        {name: trip[name] for name in ("PULocationID", "DOLocationID", "trip_distance")}
        | {"hour": trip["pickup_datetime"].hour}
        for trip in clean_sample.to_pylist()
    ]
    encoder = TripEncoder("rich").fit(clean_sample.slice(0, half))
    assert_equal(encoder.transform(clean_sample), encoder, *vectorize(records[:half], records))
