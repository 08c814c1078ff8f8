"""A failed check that blocks stops what comes after it in its run; a warning stops nothing."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_assets.features import known_windows
from taxi_assets.storage.publish import FolderStore
from taxi_assets_tests.defs.running import QUICK_XGBOOST, failures, materialize, resources_in, store_in

PARTITION, FILE = "2024-02-01", "green_tripdata_2024-02.parquet"


@pytest.fixture
def source(sample_folder: Path, tmp_path: Path) -> Path:
    """A folder to publish months in."""
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


def publish(source: Path, sample_folder: Path, long_share: float = 0.0, stray_share: float = 0.0) -> None:
    """Publish 2024-02 with a share of trips that last hours, and a share of another year."""
    table = pq.read_table(sample_folder / FILE)
    rows = table.num_rows
    pickups = np.full(rows, np.datetime64("2024-02-10T12:00:00", "us"))
    pickups[rows - round(rows * stray_share) :] = np.datetime64("2022-02-10T12:00:00", "us")
    minutes = np.where(np.arange(rows) < rows * long_share, 300, 10).astype("timedelta64[m]")
    for name, values in (("lpep_pickup_datetime", pickups), ("lpep_dropoff_datetime", pickups + minutes)):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    pq.write_table(table, source / FILE)


def run_month(home: Path, source: Path):  # type: ignore[no-untyped-def]
    result = materialize(resources_in(home, uri=str(source)), "raw_trips", "clean_trips", partition=PARTITION)
    return result, {check.check_name: check for check in result.get_asset_check_evaluations()}


def test_an_error_of_a_blocking_check_fails_the_run(empty_home: Path, source: Path, sample_folder: Path) -> None:
    publish(source, sample_folder, long_share=0.6)
    result, checks = run_month(empty_home, source)
    assert not result.success
    assert failures(checks) == {"share_kept": "ERROR"}


@pytest.mark.parametrize(
    ("share", "check"), [({"long_share": 0.3}, "share_kept"), ({"stray_share": 0.02}, "pickups_in_month")]
)
def test_a_warning_stops_nothing(
    share: dict[str, float], check: str, empty_home: Path, source: Path, sample_folder: Path
) -> None:
    publish(source, sample_folder, **share)
    result, checks = run_month(empty_home, source)
    assert result.success
    assert failures(checks) == {check: "WARN"}
    assert store_in(empty_home).current("clean_trips/2024-02") is not None


def test_a_training_set_of_a_wrong_shape_reaches_no_model(
    home: Path, filled_store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"X": (1, 1), "X_train": (1, 1), "X_val": (1, 1)}
    monkeypatch.setattr(known_windows, "known_shapes", lambda facts: wrong)
    before = filled_store.existing("xgboost_model")
    config = {"xgboost_model": QUICK_XGBOOST.model_copy(update={"random_state": 99})}
    result = materialize(resources_in(home), "training_set", "xgboost_model", config=config)
    assert not result.success
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    assert made == {"training_set"}
    assert filled_store.existing("xgboost_model") == before


def test_a_month_that_cannot_be_read_is_not_cleaned(empty_home: Path, source: Path) -> None:
    (source / FILE).write_bytes(b"no parquet")
    result, _ = run_month(empty_home, source)
    assert not result.success
    assert result.get_asset_materialization_events() == []
    assert store_in(empty_home).current("raw_trips/2024-02") is None
