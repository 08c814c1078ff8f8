"""Cleaning a stored month, and what its file holds."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_assets.errors import StoredError, TripFileError
from taxi_assets.storage import locations
from taxi_assets.storage.publish import FolderStore
from taxi_assets.storage.versions import Version
from taxi_assets.trips import clean_trips
from taxi_assets.trips.clean_month import FILE, clean_month, count_missing, duration_range
from taxi_assets_tests.trips.tables import green_trips

KEY = locations.clean_trips("2024-01")


def _store_raw(store: FolderStore, trips: pa.Table) -> Version:
    with store.draft(locations.raw_trips("2024-01")) as draft:
        pq.write_table(trips, draft.folder / "green_tripdata_2024-01.parquet")
        draft.facts.update(service="green", synthetic=True, rows=trips.num_rows)
    return draft.published


def _stored(store: FolderStore) -> pa.Table:
    return store.read(KEY, lambda folder, version: pq.read_table(folder / FILE))


def test_the_cleaned_month_is_stored(store: FolderStore) -> None:
    trips = green_trips([0.5, 5, 90])
    _store_raw(store, trips)
    clean_month(store, "2024-01")
    assert _stored(store) == clean_trips(trips)


def test_extreme_durations_are_stored_on_request(store: FolderStore) -> None:
    _store_raw(store, green_trips([0.5, 5, 90]))
    clean_month(store, "2024-01", include_extreme_durations=True)
    assert _stored(store).column("duration").to_pylist() == [0.5, 5, 90]


def test_the_facts_tell_what_was_cleaned_and_how(store: FolderStore) -> None:
    raw = _store_raw(store, green_trips([0.5, 5, 90]))
    assert clean_month(store, "2024-01").facts == {
        "service": "green",
        "month": "2024-01",
        "synthetic": True,
        "raw_sha256": raw.files["green_tripdata_2024-01.parquet"].sha256,
        "raw_rows": 3,
        "rows": 1,
        "include_extreme_durations": False,
    }


def test_the_same_month_cleaned_twice_is_the_same_version(store: FolderStore) -> None:
    _store_raw(store, green_trips([5, 6]))
    assert clean_month(store, "2024-01").digest == clean_month(store, "2024-01").digest


def test_a_month_that_was_not_fetched_is_named(store: FolderStore) -> None:
    with pytest.raises(StoredError, match="raw_trips/2024-01"):
        clean_month(store, "2024-01")


def test_a_month_without_a_column_leaves_what_was_stored(store: FolderStore) -> None:
    _store_raw(store, green_trips([5]))
    before = clean_month(store, "2024-01")
    _store_raw(store, green_trips([5]).drop_columns(["trip_distance"]))
    with pytest.raises(TripFileError, match="trip_distance"):
        clean_month(store, "2024-01")
    assert store.current(KEY) == before


def test_missing_values_are_counted_in_each_column(tmp_path: Path) -> None:
    table = pa.table({"PU_DO": ["1_2", None, "3_4"], "duration": [float("nan"), None, float("inf")], "n": [1, 2, 3]})
    pq.write_table(table, tmp_path / FILE)
    assert count_missing(tmp_path / FILE) == {"PU_DO": 1, "duration": 3, "n": 0}


def test_a_clean_month_misses_nothing(sample_trips: pa.Table, tmp_path: Path) -> None:
    pq.write_table(clean_trips(sample_trips), tmp_path / FILE)
    assert set(count_missing(tmp_path / FILE).values()) == {0}


def test_the_range_of_durations(tmp_path: Path) -> None:
    pq.write_table(clean_trips(green_trips([20, 1.5, 45])), tmp_path / FILE)
    assert duration_range(tmp_path / FILE) == (1.5, 45)


def test_there_is_no_range_without_trips(tmp_path: Path) -> None:
    pq.write_table(clean_trips(green_trips([0])), tmp_path / FILE)
    assert duration_range(tmp_path / FILE) == (None, None)
