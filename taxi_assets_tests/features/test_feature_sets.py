"""Feature sets: names, fields, order of columns."""

import polars as pl
import pytest

from taxi_assets.errors import SettingError
from taxi_assets.features.feature_sets import Categorical, FeatureSet, Numeric, feature_set_named, fields_of
from taxi_assets.features.records import FIELD_TYPES


def test_the_course_features_are_the_pair_of_zones_and_the_distance() -> None:
    assert [block.name for block in feature_set_named("course").blocks()] == ["PU_DO", "trip_distance"]


def test_the_course_features_need_three_fields() -> None:
    assert fields_of(feature_set_named("course").features) == ["DOLocationID", "PULocationID", "trip_distance"]


def test_the_fields_of_the_features_have_types() -> None:
    assert set(fields_of(feature_set_named("course").features)) <= set(FIELD_TYPES)


def test_an_unknown_feature_set_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match="'rich' is unknown: it is one of course"):
        feature_set_named("rich")


def test_columns_are_sorted_by_name_and_not_by_kind() -> None:
    features = (Numeric("hour", pl.col("a")), Categorical("zone", pl.col("a")), Categorical("borough", pl.col("a")))
    assert [block.name for block in FeatureSet("x", features).blocks()] == ["borough", "hour", "zone"]


def test_a_number_whose_name_goes_on_where_a_category_ends_stands_after_it() -> None:
    features = (Numeric("zone_size", pl.col("a")), Categorical("zone", pl.col("a")), Numeric("zone", pl.col("a")))
    blocks = FeatureSet("x", features).blocks()
    assert [(block.name, type(block)) for block in blocks] == [
        ("zone", Numeric),
        ("zone", Categorical),
        ("zone_size", Numeric),
    ]
