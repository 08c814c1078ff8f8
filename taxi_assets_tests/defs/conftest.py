"""A deployment that was filled once by real runs, and a copy of it for each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from taxi_assets.defs.instance import open_ready
from taxi_assets.settings import PROJECT_ROOT
from taxi_assets.storage.publish import FolderStore
from taxi_assets_tests.defs.child import instance_in
from taxi_assets_tests.defs.running import (
    LINEAR,
    QUICK_XGBOOST,
    Resources,
    copy_home,
    current_copy,
    make_home,
    materialize,
    resources_in,
    store_in,
)
from taxi_assets_tests.defs.trained import MONTHS as TRAINED_MONTHS
from taxi_assets_tests.defs.trained import ingest, source_of, train

MONTHS = ("2024-01-01", "2024-02-01")


def remove_mlflow_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MLFLOW_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """The home of a deployment with two months, their training set and two models. Not to be changed."""
    home = make_home(tmp_path_factory.mktemp("filled") / "home", empty_database)
    resources = resources_in(home)
    with pytest.MonkeyPatch.context() as patch:
        remove_mlflow_settings(patch)
        patch.setenv("TAXI_HOME", str(home))
        runs = [materialize(resources, "raw_trips", "clean_trips", partition=month) for month in MONTHS]
        runs.append(materialize(resources, "training_set", "xgboost_model", config={"xgboost_model": QUICK_XGBOOST}))
        runs.append(materialize(resources, "sklearn_models", partition=LINEAR))
    assert all(run.success for run in runs)
    return home


@pytest.fixture
def home(filled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a copy of the filled deployment, which is the current one."""
    return current_copy(filled_home, tmp_path / "home", monkeypatch)


@pytest.fixture
def resources(home: Path) -> Resources:
    """The resources of the copy."""
    return resources_in(home)


@pytest.fixture
def filled_store(home: Path) -> FolderStore:
    """The store of the copy."""
    return store_in(home)


@pytest.fixture
def empty_home(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a deployment where nothing was made yet, which is the current one."""
    monkeypatch.setenv("TAXI_HOME", str(tmp_path / "empty"))
    return make_home(tmp_path / "empty", empty_database)


@pytest.fixture
def instance() -> dg.DagsterInstance:
    """A Dagster instance that remembers for the length of a test."""
    return dg.DagsterInstance.ephemeral()


@pytest.fixture(scope="session")
def ready_home(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """The home of a deployment where nothing was made yet, with an instance that is ready. Not to be changed."""
    home = make_home(tmp_path_factory.mktemp("ready") / "home", empty_database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAXI_HOME", str(home))
        with open_ready(home, str(PROJECT_ROOT)):
            pass
    return home


@pytest.fixture(scope="session")
def trained_home(ready_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a deployment whose instance knows how two months were trained on. Not to be changed."""
    home = copy_home(ready_home, tmp_path_factory.mktemp("trained") / "home")
    with pytest.MonkeyPatch.context() as patch:
        remove_mlflow_settings(patch)
        patch.setenv("TAXI_HOME", str(home))
        with instance_in(home) as instance:
            ingest(source_of(home), instance, *TRAINED_MONTHS)
            train(source_of(home), instance)
    return home


@pytest.fixture
def trained(trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a copy of it, which is the current one."""
    return current_copy(trained_home, tmp_path / "home", monkeypatch)


@pytest.fixture
def trained_instance(trained: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of the copy."""
    with instance_in(trained) as instance:
        yield instance


@pytest.fixture
def ready(ready_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a copy of the ready deployment, which is the current one."""
    return current_copy(ready_home, tmp_path / "ready", monkeypatch)


@pytest.fixture
def ready_instance(ready: Path) -> Iterator[dg.DagsterInstance]:
    """Its instance."""
    with instance_in(ready) as instance:
        yield instance
