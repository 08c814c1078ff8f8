"""Which features a model sees. A feature set is data: a new one is one more row of `FEATURE_SETS`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from taxi_assets.errors import SettingError


@dataclass(frozen=True)
class Categorical:
    """A feature that becomes one column for each value seen in training, named `name=value`."""

    name: str
    expression: pl.Expr


@dataclass(frozen=True)
class Numeric:
    """A feature that becomes one column of its own value."""

    name: str
    expression: pl.Expr


@dataclass(frozen=True)
class FeatureSet:
    """Features by name, each an expression over the fields of a trip (see `records`)."""

    name: str
    features: tuple[Categorical | Numeric, ...]

    def blocks(self) -> list[Categorical | Numeric]:
        """The features in the order of their columns: that of the sorted column names.

        All columns of a categorical feature begin with `name=`, so that no other can stand between them.
        """
        return sorted(
            self.features,
            key=lambda feature: f"{feature.name}=" if isinstance(feature, Categorical) else feature.name,
        )


def fields_of(features: Iterable[Categorical | Numeric]) -> list[str]:
    """The fields of a trip that some features are made from, sorted."""
    return sorted({field for feature in features for field in feature.expression.meta.root_names()})


COURSE = FeatureSet(
    "course",
    (
        Categorical("PU_DO", pl.concat_str("PULocationID", "DOLocationID", separator="_")),
        Numeric("trip_distance", pl.col("trip_distance")),
    ),
)

FEATURE_SETS: Mapping[str, FeatureSet] = {feature_set.name: feature_set for feature_set in (COURSE,)}


def feature_set_named(name: str) -> FeatureSet:
    """A feature set by its name.

    Raises:
        SettingError: there is none of that name.
    """
    if name not in FEATURE_SETS:
        raise SettingError(f"feature_set {name!r} is unknown: it is one of {', '.join(FEATURE_SETS)}.")
    return FEATURE_SETS[name]
