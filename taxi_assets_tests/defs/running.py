"""Running assets and checks as Dagster does, and storing bad versions that are whole."""

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from taxi_assets.defs.build import ASSETS, CHECKS
from taxi_assets.defs.mlflow_resource import MlflowResource
from taxi_assets.defs.resources import StorageResource, TripsResource
from taxi_assets.defs.xgboost_model import XGBoostConfig
from taxi_assets.storage.publish import FolderStore
from taxi_assets.storage.versions import Version

ROWS = 3_000
LINEAR = "linear_model.LinearRegression"
QUICK_XGBOOST = XGBoostConfig(max_evaluations=1, max_depth=4, early_stopping_rounds=1, random_state=0)

Resources = dict[str, Any]


def trips_resource(**options: Any) -> TripsResource:
    """A source of small sample months, unless the options name another."""
    defaults = {
        "uri": "sample",
        "service": "green",
        "sample_months": "2024-01:2024-02",
        "sample_rows": ROWS,
        "sample_seed": 1,
        "fetch_attempts": 1,
    }
    return TripsResource(**defaults | options)


def resources_in(home: Path, **trips: Any) -> Resources:
    """The resources of a deployment in a folder."""
    storage = StorageResource(location=str(home / "assets"), scratch=str(home / "scratch"))
    return {"trips": trips_resource(**trips), "storage": storage, "mlflow": MlflowResource()}


def store_in(home: Path) -> FolderStore:
    """Its store."""
    return FolderStore(home / "assets")


def make_home(home: Path, empty_database: Path) -> Path:
    """A home where nothing was made yet but MLflow's tables."""
    (home / "mlflow").mkdir(parents=True)
    shutil.copy(empty_database, home / "mlflow" / "mlflow.db")
    return home


def copy_home(home: Path, copy: Path) -> Path:
    """Copy a deployment; where the databases of MLflow and Dagster name the home, those of the copy name the copy."""
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("processes"))
    for path in copy.rglob("*.db"):
        database = sqlite3.connect(path)
        with database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for _, column, kind, *_ in database.execute(f"PRAGMA table_info('{table}')").fetchall():
                    if "CHAR" in kind or kind == "TEXT":
                        _replace(database, table, column, str(home), str(copy))
        database.close()
    return copy


def current_copy(home: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy a deployment, and let the copy be the current one."""
    monkeypatch.setenv("TAXI_HOME", str(copy))
    return copy_home(home, copy)


def _replace(database: sqlite3.Connection, table: str, column: str, old: str, new: str) -> None:
    database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?) WHERE instr({column}, ?)", (old, new, old))


def materialize(
    resources: Resources,
    *assets: str,
    partition: str | None = None,
    config: Mapping[str, dg.Config] | None = None,
    instance: dg.DagsterInstance | None = None,
) -> dg.ExecuteInProcessResult:
    """Materialise assets with their checks in one run; it may fail."""
    return _run(resources, dg.AssetSelection.assets(*assets), instance, config, partition_key=partition)


def run_checks(
    resources: Resources, asset: str, partition: str | None = None, instance: dg.DagsterInstance | None = None
) -> dict[str, dg.AssetCheckEvaluation]:
    """Run the checks of what is stored for an asset, by their names."""
    tags = {"dagster/partition": partition} if partition else {}
    result = _run(resources, dg.AssetSelection.checks_for_assets(asset), instance, tags=tags)
    return {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}


def _run(
    resources: Resources,
    selection: dg.AssetSelection,
    instance: dg.DagsterInstance | None,
    config: Mapping[str, dg.Config] | None = None,
    **options: Any,
) -> dg.ExecuteInProcessResult:
    loggers = {"console": {"config": {"log_level": "CRITICAL"}}}
    return dg.materialize(
        [*ASSETS, *CHECKS],
        selection=selection,
        resources=resources,
        instance=instance or dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
        run_config=dg.RunConfig(ops=dict(config or {}), loggers=loggers),
        **options,
    )


def failures(evaluations: Mapping[str, dg.AssetCheckEvaluation]) -> dict[str, str]:
    """The checks that failed, with their severities."""
    return {name: check.severity.value for name, check in evaluations.items() if not check.passed}


def expected(check: dg.AssetCheckEvaluation) -> Any:
    """What a check expected."""
    return check.metadata["expected"].value


def actual(check: dg.AssetCheckEvaluation) -> Any:
    """What a check found."""
    return check.metadata["actual"].value


def metadata_of(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """The metadata of an asset's materialisation in a run."""
    (materialization,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in materialization.metadata.items()}


def failure_of(result: dg.ExecuteInProcessResult, asset: str) -> str:
    """What the failure of an asset's step says."""
    (failure,) = (event for event in result.get_step_failure_events() if event.step_key == asset)
    assert failure.step_failure_data.user_failure_data is not None
    return failure.step_failure_data.user_failure_data.description or ""


def data_version_of(result: dg.ExecuteInProcessResult, asset: str) -> str:
    """The data version of an asset's materialisation in a run."""
    (materialization,) = result.asset_materializations_for_node(asset)
    assert materialization.tags is not None
    return materialization.tags["dagster/data_version"]


def republish(store: FolderStore, key: str, change: Callable[[Path], object] | None = None, **facts: Any) -> Version:
    """Store a new version of something, whole in itself: the files changed, the facts overwritten."""

    def copy(folder: Path, version: Version) -> Version:
        with store.draft(key) as draft:
            shutil.copytree(folder, draft.folder, dirs_exist_ok=True)
            if change is not None:
                change(draft.folder)
            draft.facts.update(version.facts, **facts)
        return draft.published

    return store.read(key, copy)


def damage_version(resources: Resources, version: int) -> None:
    """Cut off half of the file of a registered model."""
    from taxi_assets.tracking.connection import REGISTERED_MODEL
    from taxi_assets.tracking.registry import MLFLOW_MODEL_FILE

    client = resources["mlflow"].tracking().client
    place = client.get_model_version_download_uri(REGISTERED_MODEL, str(version))
    path = Path(place.removeprefix("file://")) / MLFLOW_MODEL_FILE
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
