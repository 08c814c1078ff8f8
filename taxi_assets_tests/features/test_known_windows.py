"""Windows whose exact shapes are known."""

from pathlib import Path
from typing import Any

import pytest

from taxi_assets.features.known_windows import KNOWN_SHAPES, known_shapes
from taxi_assets.storage.versions import file_sha256

(WINDOW,) = KNOWN_SHAPES

FACTS = {
    "raw_files": sorted(WINDOW.raw_files),
    "split_on_feature": "pickup_datetime",
    "split_on_feature_value": "2024-02-01",
    "target": "duration",
    "feature_set": "course",
    "include_extreme_durations": False,
}


def test_the_shapes_of_the_courses_window_are_known() -> None:
    assert known_shapes(FACTS) == {"X": (105_870, 7_027), "X_train": (54_378, 5_094), "X_val": (51_492, 5_094)}


def test_the_order_of_the_months_does_not_matter() -> None:
    assert known_shapes(FACTS | {"raw_files": sorted(WINDOW.raw_files, reverse=True)}) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"raw_files": sorted(WINDOW.raw_files)[:1]},
        {"raw_files": ["0" * 64, "1" * 64]},
        {"raw_files": [*WINDOW.raw_files, "0" * 64]},
        {"split_on_feature": "trip_distance"},
        {"split_on_feature_value": "2024-02-02"},
        {"target": "trip_distance"},
        {"feature_set": "rich"},
        {"include_extreme_durations": True},
    ],
)
def test_another_window_is_not_known(change: dict[str, Any]) -> None:
    assert known_shapes(FACTS | change) is None


@pytest.mark.real_data
def test_the_known_files_are_the_published_ones(real_data: Path) -> None:
    published = {file_sha256(real_data / "green" / f"green_tripdata_2024-{month}.parquet") for month in ("01", "02")}
    assert published == WINDOW.raw_files
