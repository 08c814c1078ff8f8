"""What holds for every check: it judges the stored thing, and says what it expected and found."""

from pathlib import Path

import dagster as dg
import pytest

from taxi_assets.defs import raw_trips
from taxi_assets.defs.build import CHECKS
from taxi_assets.defs.resources import StorageResource
from taxi_assets.errors import StoreUnavailableError
from taxi_assets.storage.publish import POINTER, FolderStore, Store
from taxi_assets_tests.defs.running import LINEAR, Resources, actual, expected, failures, resources_in, run_checks

CHECK_NAMES = {
    "raw_trips": {"whole_file", "required_columns", "has_rows", "rows_near_trailing_median", "pickups_in_month"},
    "clean_trips": {"schema", "no_missing_values", "durations_in_range", "share_kept"},
    "training_set": {"dataset_shape", "training_shape", "validation_shape"},
    "xgboost_model": {"finite_predictions", "beats_mean_predictor", "rmse_not_worse"},
    "sklearn_models": {"finite_predictions", "beats_mean_predictor", "rmse_not_worse"},
    "champion_model": {"champion_serves", "compared_with_champion"},
}
NOT_BLOCKING = {
    "rows_near_trailing_median",
    "pickups_in_month",
    "beats_mean_predictor",
    "rmse_not_worse",
    "compared_with_champion",
}

STORED = [
    ("raw_trips", "2024-01-01", "raw_trips/2024-01"),
    ("raw_trips", "2024-02-01", "raw_trips/2024-02"),
    ("clean_trips", "2024-02-01", "clean_trips/2024-02"),
    ("training_set", None, "training_set"),
    ("xgboost_model", None, "xgboost_model"),
    ("sklearn_models", LINEAR, f"sklearn_models/{LINEAR}"),
]

FILES = [
    ("raw_trips", "2024-02-01", "raw_trips/2024-02", "green_tripdata_2024-02.parquet"),
    ("clean_trips", "2024-02-01", "clean_trips/2024-02", "trips.parquet"),
    ("training_set", None, "training_set", "X_val.data.npy"),
    ("training_set", None, "training_set", "encoder.json"),
    ("xgboost_model", None, "xgboost_model", "training_fit.skops"),
    ("xgboost_model", None, "xgboost_model", "final_fit.skops"),
    ("sklearn_models", LINEAR, f"sklearn_models/{LINEAR}", "model.json"),
]


def test_these_checks_block_and_those_do_not() -> None:
    specs = {
        (spec.asset_key.to_user_string(), spec.name): spec.blocking for check in CHECKS for spec in check.check_specs
    }
    assert specs == {(asset, name): name not in NOT_BLOCKING for asset, names in CHECK_NAMES.items() for name in names}


def test_every_check_says_what_it_expects() -> None:
    assert all(spec.description for check in CHECKS for spec in check.check_specs)


@pytest.mark.parametrize("fault", [StoreUnavailableError, ConnectionResetError, TimeoutError])
def test_a_store_that_does_not_answer_is_no_verdict(
    fault: type[Exception], resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: StorageResource) -> Store:
        raise fault("Nobody is there.")

    monkeypatch.setattr(StorageResource, "open", fail)
    for check in raw_trips.CHECKS:
        with pytest.raises(dg.Failure) as caught:
            check(dg.build_asset_check_context(), storage=resources["storage"])
        assert caught.value.description == "The check could not be made: Nobody is there."


@pytest.mark.parametrize(("asset", "partition", "key"), STORED)
def test_every_check_of_a_sound_thing_passes(asset: str, partition: str | None, key: str, resources: Resources) -> None:
    checks = run_checks(resources, asset, partition)
    assert set(checks) == CHECK_NAMES[asset]
    assert failures(checks) == {}
    assert {check.partition for check in checks.values()} == {partition}
    assert all(expected(check) and actual(check) for check in checks.values())


@pytest.mark.parametrize(("asset", "partition", "key", "file"), FILES)
def test_every_check_fails_and_names_a_file_with_a_flipped_bit(
    asset: str, partition: str | None, key: str, file: str, resources: Resources, filled_store: FolderStore
) -> None:
    path = _stored_file(filled_store, key, file)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    checks = run_checks(resources, asset, partition)
    assert failures(checks) == dict.fromkeys(CHECK_NAMES[asset], "ERROR")
    for check in checks.values():
        assert expected(check) == "stored whole and readable"
        assert f"{key} is damaged: {file} has other content" in actual(check)


@pytest.mark.parametrize(("asset", "partition", "key", "file"), FILES)
def test_every_check_fails_and_names_a_file_that_is_gone(
    asset: str, partition: str | None, key: str, file: str, resources: Resources, filled_store: FolderStore
) -> None:
    _stored_file(filled_store, key, file).unlink()
    checks = run_checks(resources, asset, partition)
    assert failures(checks) == dict.fromkeys(CHECK_NAMES[asset], "ERROR")
    assert all(f"{file} is missing" in actual(check) for check in checks.values())


@pytest.mark.parametrize(("asset", "partition", "key"), STORED)
def test_every_check_fails_when_the_pointer_is_damaged(
    asset: str, partition: str | None, key: str, resources: Resources, filled_store: FolderStore
) -> None:
    (filled_store.root / key / POINTER).write_text("{")
    checks = run_checks(resources, asset, partition)
    assert failures(checks) == dict.fromkeys(CHECK_NAMES[asset], "ERROR")
    assert all(f"{key}/{POINTER} is damaged" in actual(check) for check in checks.values())


@pytest.mark.parametrize(("asset", "partition", "key"), STORED)
def test_every_check_fails_where_nothing_was_made(
    asset: str, partition: str | None, key: str, empty_home: Path
) -> None:
    checks = run_checks(resources_in(empty_home), asset, partition)
    assert failures(checks) == dict.fromkeys(CHECK_NAMES[asset], "ERROR")
    assert all(f"{key} has not been made yet" in actual(check) for check in checks.values())


def test_a_check_is_partitioned_as_its_asset_is() -> None:
    partitioned = {
        spec.asset_key.to_user_string(): spec.partitions_def for check in CHECKS for spec in check.check_specs
    }
    assert isinstance(partitioned["raw_trips"], dg.MonthlyPartitionsDefinition)
    assert isinstance(partitioned["sklearn_models"], dg.StaticPartitionsDefinition)
    assert partitioned["training_set"] is None


def test_a_check_says_in_one_sentence_what_it_expected_and_found(resources: Resources) -> None:
    check = run_checks(resources, "raw_trips", "2024-01-01")["has_rows"]
    assert check.description == "Expected rows more than 0; found rows 3,000."


def test_the_numbers_that_a_check_found_stand_alone_for_the_plots(resources: Resources) -> None:
    check = run_checks(resources, "xgboost_model")["beats_mean_predictor"]
    assert check.metadata["rmse"].value == actual(check)["rmse"]


def _stored_file(store: FolderStore, key: str, file: str) -> Path:
    return store.root / key / store.existing(key).folder / file
