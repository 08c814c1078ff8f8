"""What the UI shows of a materialisation is what is stored."""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from taxi_assets.features import TrainingSet
from taxi_assets.training.model_files import load_record
from taxi_assets.trips.cleaning import CLEAN_SCHEMA
from taxi_assets_tests.defs.running import (
    LINEAR,
    QUICK_XGBOOST,
    ROWS,
    data_version_of,
    make_home,
    materialize,
    metadata_of,
    resources_in,
    store_in,
)

PARTITION = "2024-02-01"


@pytest.fixture(scope="module")
def runs(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dg.ExecuteInProcessResult]:
    """The runs of a fresh deployment, by asset."""
    home = make_home(tmp_path_factory.mktemp("fresh") / "home", empty_database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAXI_HOME", str(home))
        resources = resources_in(home)
        for month in ("2024-01-01", PARTITION):
            trips = materialize(resources, "raw_trips", "clean_trips", partition=month)
        training = materialize(resources, "training_set", "xgboost_model", config={"xgboost_model": QUICK_XGBOOST})
        sklearn = materialize(resources, "sklearn_models", partition=LINEAR)
    return {
        "raw_trips": trips,
        "clean_trips": trips,
        "training_set": training,
        "xgboost_model": training,
        "sklearn_models": sklearn,
    }


KEYS = {
    "raw_trips": "raw_trips/2024-02",
    "clean_trips": "clean_trips/2024-02",
    "training_set": "training_set",
    "xgboost_model": "xgboost_model",
    "sklearn_models": f"sklearn_models/{LINEAR}",
}


@pytest.mark.parametrize("asset", KEYS)
def test_equal_inputs_give_equal_data_versions_in_another_deployment(
    asset: str, runs: Mapping[str, dg.ExecuteInProcessResult], filled_home: Path
) -> None:
    version = store_in(filled_home).existing(KEYS[asset])
    assert data_version_of(runs[asset], asset) == version.digest


@pytest.mark.parametrize("asset", KEYS)
def test_bytes_are_those_of_the_stored_files_and_the_origin_is_told(
    asset: str, runs: Mapping[str, dg.ExecuteInProcessResult], filled_home: Path
) -> None:
    metadata = metadata_of(runs[asset], asset)
    version = store_in(filled_home).existing(KEYS[asset])
    assert metadata["bytes"] == sum(file.size for file in version.files.values())
    assert metadata["synthetic"] is True


def test_raw_trips_tells_its_rows_columns_and_source(
    runs: Mapping[str, dg.ExecuteInProcessResult], filled_home: Path, sample_folder: Path
) -> None:
    metadata = metadata_of(runs["raw_trips"], "raw_trips")
    assert metadata["dagster/row_count"] == metadata["dagster/partition_row_count"] == ROWS
    schema = pq.read_schema(sample_folder / "green_tripdata_2024-02.parquet")
    assert [(column.name, column.type) for column in metadata["dagster/column_schema"].columns] == [
        (field.name, str(field.type)) for field in schema
    ]
    version = store_in(filled_home).existing("raw_trips/2024-02")
    assert metadata["sha256"] == version.files["green_tripdata_2024-02.parquet"].sha256
    assert "synthetic" in metadata["source"]
    assert metadata["fingerprint"] == version.facts["fingerprint"]


def test_clean_trips_tells_its_rows_columns_and_share(
    runs: Mapping[str, dg.ExecuteInProcessResult], filled_home: Path
) -> None:
    metadata = metadata_of(runs["clean_trips"], "clean_trips")
    rows = store_in(filled_home).read(
        "clean_trips/2024-02", lambda folder, _: pq.read_metadata(folder / "trips.parquet").num_rows
    )
    assert metadata["dagster/row_count"] == metadata["dagster/partition_row_count"] == rows
    assert metadata["share_kept"] == rows / ROWS
    assert [column.name for column in metadata["dagster/column_schema"].columns] == CLEAN_SCHEMA.names


def test_training_set_tells_its_shapes_and_window(
    runs: Mapping[str, dg.ExecuteInProcessResult], filled_home: Path
) -> None:
    metadata = metadata_of(runs["training_set"], "training_set")
    data = store_in(filled_home).read("training_set", lambda folder, _: TrainingSet.load(folder))
    for name, (rows, columns) in data.shapes().items():
        assert (metadata[f"{name}_rows"], metadata[f"{name}_columns"]) == (rows, columns)
    assert metadata["dagster/row_count"] == data.X.shape[0]
    assert metadata["months"] == "2024-01, 2024-02"
    assert metadata["split"] == "pickup_datetime < 2024-02-01"


@pytest.mark.parametrize("asset", ["xgboost_model", "sklearn_models"])
def test_a_model_tells_its_figures_parameters_and_trials(
    asset: str, runs: Mapping[str, dg.ExecuteInProcessResult], filled_home: Path
) -> None:
    metadata = metadata_of(runs[asset], asset)
    store = store_in(filled_home)
    record = store.read(KEYS[asset], lambda folder, _: load_record(folder))
    assert {name: metadata[name] for name in ("rmse", "mae", "r2")} == record.metrics.to_dict()
    assert metadata["rmse_of_mean_predictor"] == record.mean_predictor.rmse
    assert metadata["parameters"] == record.parameters
    assert metadata["evaluations"] == 1
    (trial,) = metadata["trials"].records
    assert trial.data["rmse"] == record.trials[0].rmse
    assert trial.data.keys() == {"trial", "rmse", *record.trials[0].parameters}
    assert metadata["training_set"] == store.existing("training_set").digest
    assert metadata["selected_on"] == "training"


@pytest.mark.parametrize("asset", ["xgboost_model", "sklearn_models"])
def test_a_model_links_to_its_mlflow_run(asset: str, runs: Mapping[str, dg.ExecuteInProcessResult]) -> None:
    metadata = metadata_of(runs[asset], asset)
    assert metadata["mlflow_run_id"]
    assert metadata["mlflow_run"].startswith("http://127.0.0.1:5000/#/experiments/")
    assert metadata["mlflow_run"].endswith(f"/runs/{metadata['mlflow_run_id']}")


def test_the_same_month_twice_has_the_same_data_version(home: Path, instance: dg.DagsterInstance) -> None:
    versions = set()
    for _ in range(2):
        run = materialize(resources_in(home), "raw_trips", "clean_trips", partition=PARTITION, instance=instance)
        versions.add((data_version_of(run, "raw_trips"), data_version_of(run, "clean_trips")))
    assert len(versions) == 1


def test_a_changed_month_has_another_data_version(home: Path) -> None:
    before = {key: store_in(home).existing(key).digest for key in ("raw_trips/2024-02", "clean_trips/2024-02")}
    run = materialize(resources_in(home, sample_seed=2), "raw_trips", "clean_trips", partition=PARTITION)
    assert data_version_of(run, "raw_trips") != before["raw_trips/2024-02"]
    assert data_version_of(run, "clean_trips") != before["clean_trips/2024-02"]
    assert store_in(home).existing("raw_trips/2024-02").digest == data_version_of(run, "raw_trips")


def test_extreme_durations_are_kept_when_asked_for(home: Path) -> None:
    from taxi_assets.defs.clean_trips import CleanTripsConfig

    config = {"clean_trips": CleanTripsConfig(include_extreme_durations=True)}
    run = materialize(resources_in(home), "clean_trips", partition=PARTITION, config=config)
    before = store_in(home).existing("clean_trips/2024-01")
    assert run.success
    assert metadata_of(run, "clean_trips")["dagster/row_count"] > before.facts["rows"]
    assert store_in(home).existing("clean_trips/2024-02").facts["include_extreme_durations"] is True
