"""The best of the stored models is the best of the current training set."""

import json
from dataclasses import asdict
from math import nan

import pytest

from taxi_assets.errors import StoredError
from taxi_assets.storage import locations
from taxi_assets.storage.publish import FolderStore
from taxi_assets.training.evaluation import Metrics
from taxi_assets.training.model import ModelRecord
from taxi_assets.training.model_files import RECORD
from taxi_assets.training.selection import best_stored_model

LASSO, LINEAR, XGBOOST = "linear_model.Lasso", "linear_model.LinearRegression", "xgboost_model"


def publish_training_set(store: FolderStore, content: str) -> str:
    with store.draft(locations.TRAINING_SET) as draft:
        (draft.folder / "shapes.json").write_text(content)
    return draft.published.digest


def publish_model(store: FolderStore, name: str, rmse: float, training_set: str) -> None:
    metrics = Metrics(rmse, rmse, 0.0)
    record = ModelRecord(name, {}, metrics, metrics, [], "training", 7, training_set, {}, {})
    with store.draft(locations.model(name)) as draft:
        (draft.folder / RECORD).write_text(json.dumps(asdict(record)))


@pytest.fixture
def current(store: FolderStore) -> str:
    """The digest of the stored training set."""
    return publish_training_set(store, "current")


@pytest.mark.parametrize("best", [LASSO, LINEAR, XGBOOST])
def test_the_model_with_the_least_rmse_is_the_best(best: str, store: FolderStore, current: str) -> None:
    for name in (LASSO, LINEAR, XGBOOST):
        publish_model(store, name, 5.0 if name == best else 6.0, current)
    record = best_stored_model(store)
    assert (record.name, record.metrics.rmse) == (best, 5.0)


def test_models_of_an_earlier_training_set_are_ignored(store: FolderStore, current: str) -> None:
    publish_model(store, XGBOOST, 1.0, "of another training set")
    publish_model(store, LASSO, 9.0, current)
    assert best_stored_model(store).name == LASSO


def test_a_model_whose_rmse_is_not_a_number_is_not_the_best(store: FolderStore, current: str) -> None:
    publish_model(store, XGBOOST, nan, current)
    publish_model(store, LASSO, 9.0, current)
    assert best_stored_model(store).name == LASSO


def test_without_a_training_set_there_is_no_best_model(store: FolderStore) -> None:
    publish_model(store, XGBOOST, 1.0, "of another training set")
    with pytest.raises(StoredError, match="training_set"):
        best_stored_model(store)


def test_without_any_model_there_is_no_best_model(store: FolderStore, current: str) -> None:
    with pytest.raises(StoredError, match="no model of the current training set"):
        best_stored_model(store)


def test_when_the_training_set_is_replaced_its_models_are_no_longer_the_best(store: FolderStore, current: str) -> None:
    publish_model(store, XGBOOST, 1.0, current)
    publish_training_set(store, "newer")
    with pytest.raises(StoredError, match="no model of the current training set"):
        best_stored_model(store)
