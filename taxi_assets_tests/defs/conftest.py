"""A deployment that was filled once by real runs, and a copy of it for each test."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from taxi_assets.storage.publish import FolderStore
from taxi_assets_tests.defs.running import LINEAR, QUICK_XGBOOST, Resources, materialize, resources_in, store_in

MONTHS = ("2024-01-01", "2024-02-01")


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a deployment with two months, their training set and two models. Not to be changed."""
    home = tmp_path_factory.mktemp("filled") / "home"
    resources = resources_in(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAXI_HOME", str(home))
        runs = [materialize(resources, "raw_trips", "clean_trips", partition=month) for month in MONTHS]
        runs.append(materialize(resources, "training_set", "xgboost_model", config={"xgboost_model": QUICK_XGBOOST}))
        runs.append(materialize(resources, "sklearn_models", partition=LINEAR))
    assert all(run.success for run in runs)
    return home


@pytest.fixture
def home(filled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a copy of the filled deployment, which is the current one."""
    copy = tmp_path / "home"
    shutil.copytree(filled_home, copy)
    monkeypatch.setenv("TAXI_HOME", str(copy))
    return copy


@pytest.fixture
def resources(home: Path) -> Resources:
    """The resources of the copy."""
    return resources_in(home)


@pytest.fixture
def filled_store(home: Path) -> FolderStore:
    """The store of the copy."""
    return store_in(home)


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a deployment where nothing was made yet, which is the current one."""
    monkeypatch.setenv("TAXI_HOME", str(tmp_path / "empty"))
    return tmp_path / "empty"


@pytest.fixture
def instance() -> dg.DagsterInstance:
    """A Dagster instance that remembers for the length of a test."""
    return dg.DagsterInstance.ephemeral()
