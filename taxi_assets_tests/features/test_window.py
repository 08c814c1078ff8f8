"""The training set of a window of stored months."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_assets.errors import SettingError
from taxi_assets.features import TrainingSet, build_training_set
from taxi_assets.features.window import newest_clean_months, store_training_set
from taxi_assets.storage import locations
from taxi_assets.storage.publish import FolderStore
from taxi_assets.storage.versions import Version
from taxi_assets.trips.clean_month import clean_month

StoreMonth = Callable[[str], Version]


@pytest.fixture
def store_month(store: FolderStore, sample_folder: Path) -> StoreMonth:
    def store_one(month: str) -> Version:
        name = f"green_tripdata_2024-{'01' if month < '2024-02' else '02'}.parquet"
        with store.draft(locations.raw_trips(month)) as draft:
            (draft.folder / name).symlink_to(sample_folder / name)
            rows = pq.read_metadata(sample_folder / name).num_rows
            draft.facts.update(service="green", synthetic=True, rows=rows)
        return clean_month(store, month)

    return store_one


@pytest.fixture
def both(store_month: StoreMonth) -> list[Version]:
    return [store_month("2024-01"), store_month("2024-02")]


def _stored(store: FolderStore) -> TrainingSet:
    return store.read(locations.TRAINING_SET, lambda folder, version: TrainingSet.load(folder))


def test_the_newest_two_months_are_the_window(store: FolderStore, store_month: StoreMonth) -> None:
    for month in ("2024-02", "2023-12", "2024-01"):
        store_month(month)
    assert newest_clean_months(store) == ["2024-01", "2024-02"]


def test_without_months_there_is_no_window(store: FolderStore) -> None:
    with pytest.raises(SettingError, match="none are stored"):
        newest_clean_months(store)


def test_one_month_is_no_window(store: FolderStore, store_month: StoreMonth) -> None:
    store_month("2024-01")
    with pytest.raises(SettingError, match="2024-01 is stored"):
        newest_clean_months(store)


@pytest.mark.usefixtures("both")
def test_the_set_of_the_window_is_stored(store: FolderStore, clean_sample: pa.Table) -> None:
    store_training_set(store, ["2024-01", "2024-02"])
    stored, expected = _stored(store), build_training_set(clean_sample, split_on_feature_value="2024-02-01")
    assert stored.shapes() == expected.shapes()
    np.testing.assert_array_equal(stored.y_train, expected.y_train)


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("months", [["2024-01", "2024-02"], ["2024-02", "2024-01"]])
def test_the_split_is_at_the_first_day_of_the_newest_month(store: FolderStore, months: list[str]) -> None:
    assert store_training_set(store, months).facts["split_on_feature_value"] == "2024-02-01"


@pytest.mark.usefixtures("both")
def test_trips_follow_each_other_in_the_order_of_the_months(store: FolderStore, clean_sample: pa.Table) -> None:
    store_training_set(store, ["2024-02", "2024-01"])
    february = store.existing(locations.clean_trips("2024-02")).facts["rows"]
    durations = clean_sample.column("duration").to_numpy()
    np.testing.assert_array_equal(_stored(store).y[:february], durations[-february:])


def test_the_facts_tell_what_the_set_was_made_from(store: FolderStore, both: list[Version]) -> None:
    facts = store_training_set(
        store, ["2024-01", "2024-02"], split_on_feature="trip_distance", split_on_feature_value="2.5"
    ).facts
    assert facts == {
        "split_on_feature": "trip_distance",
        "split_on_feature_value": "2.5",
        "target": "duration",
        "feature_set": "course",
        "months": ["2024-01", "2024-02"],
        "service": "green",
        "synthetic": True,
        "clean_trips": {"2024-01": both[0].digest, "2024-02": both[1].digest},
        "raw_files": sorted(version.facts["raw_sha256"] for version in both),
        "include_extreme_durations": False,
    }


@pytest.mark.usefixtures("both")
def test_the_same_window_gives_the_same_version(store: FolderStore) -> None:
    versions = [store_training_set(store, ["2024-01", "2024-02"]).digest for _ in range(2)]
    assert versions[0] == versions[1]


@pytest.mark.usefixtures("both")
def test_a_month_that_was_not_cleaned_is_named(store: FolderStore) -> None:
    with pytest.raises(SettingError, match="2024-03 has not been cleaned"):
        store_training_set(store, ["2024-02", "2024-03"])


def test_a_month_that_is_named_twice_is_refused(store: FolderStore) -> None:
    with pytest.raises(SettingError, match="each once"):
        store_training_set(store, ["2024-01", "2024-01"])


def test_a_window_of_no_months_is_refused(store: FolderStore) -> None:
    with pytest.raises(SettingError, match="at least one"):
        store_training_set(store, [])


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    "setting",
    [{"target": "weather"}, {"split_on_feature": "weather"}, {"split_on_feature_value": "x"}, {"feature_set": "x"}],
)
def test_an_impossible_setting_leaves_what_was_stored(store: FolderStore, setting: dict[str, str]) -> None:
    before = store_training_set(store, ["2024-01", "2024-02"])
    with pytest.raises(SettingError):
        store_training_set(store, ["2024-01", "2024-02"], **setting)
    assert store.current(locations.TRAINING_SET) == before
