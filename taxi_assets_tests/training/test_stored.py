"""Training on the stored training set, and what is stored of it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from taxi_assets.errors import SettingError, StoredError, TrackingError
from taxi_assets.features import TrainingSet
from taxi_assets.storage import locations
from taxi_assets.storage.publish import FolderStore
from taxi_assets.storage.versions import StoredFile, Version, describe_files
from taxi_assets.training.model import ModelRecord, TrainedModel
from taxi_assets.training.model_files import load_fit, load_record
from taxi_assets.training.stored import train_and_store
from taxi_assets_tests.training.quick import train

NAME = "linear_model.LinearRegression"
KEY = f"sklearn_models/{NAME}"


@pytest.fixture
def stored_set(store: FolderStore, data: TrainingSet) -> Version:
    """The training set, stored."""
    with store.draft(locations.TRAINING_SET) as draft:
        data.save(draft.folder)
        draft.facts.update(synthetic=True, months=["2024-01", "2024-02"])
    return draft.published


def train_linear(data: TrainingSet, version: Version) -> TrainedModel:
    return train(NAME, data, training_set=version.digest, facts=version.facts)


def fail(data: TrainingSet, version: Version) -> TrainedModel:
    raise SettingError("No.")


def test_the_model_is_trained_on_the_stored_rows(
    store: FolderStore, stored_set: Version, data: TrainingSet, trips: pa.Table
) -> None:
    train_and_store(store, NAME, train_linear)
    stored = store.read(KEY, lambda folder, _: load_fit(folder, "final_fit"))
    assert np.array_equal(stored.predict(trips), train(NAME, data).final_fit.predict(trips))


def test_the_stored_record_is_the_one_given_back(store: FolderStore, stored_set: Version) -> None:
    record, version = train_and_store(store, NAME, train_linear)
    assert store.read_verified(KEY, lambda folder, _: load_record(folder)) == record
    assert store.existing(KEY) == version


def test_the_version_tells_of_the_training_set_and_the_figure(store: FolderStore, stored_set: Version) -> None:
    record, version = train_and_store(store, NAME, train_linear)
    assert version.facts == {"training_set": stored_set.digest, "synthetic": True, "rmse": record.metrics.rmse}


def test_training_again_stores_an_equal_version(store: FolderStore, stored_set: Version) -> None:
    first, second = (train_and_store(store, NAME, train_linear)[1] for _ in range(2))
    assert first.digest == second.digest


def test_training_that_fails_leaves_the_model_before(store: FolderStore, stored_set: Version) -> None:
    _, version = train_and_store(store, NAME, train_linear)
    with pytest.raises(SettingError):
        train_and_store(store, NAME, fail)
    assert store.existing(KEY) == version


def test_a_trace_is_kept_of_the_model_its_rows_and_its_files(
    store: FolderStore, stored_set: Version, data: TrainingSet
) -> None:
    kept: list[tuple[ModelRecord, TrainingSet, dict[str, StoredFile]]] = []

    def keep(model: TrainedModel, rows: TrainingSet, folder: Path) -> None:
        kept.append((model.record, rows, describe_files(folder)))

    record, version = train_and_store(store, NAME, train_linear, keep)
    ((kept_record, rows, files),) = kept
    assert kept_record == record
    assert rows.shapes() == data.shapes()
    assert files == version.files


def test_where_no_trace_can_be_kept_the_model_before_stays(store: FolderStore, stored_set: Version) -> None:
    def keep(model: TrainedModel, rows: TrainingSet, folder: Path) -> None:
        raise TrackingError("No answer.")

    _, before = train_and_store(store, NAME, train_linear)
    with pytest.raises(TrackingError):
        train_and_store(store, NAME, lambda rows, found: train(NAME, rows, facts=found.facts, random_state=8), keep)
    assert store.existing(KEY) == before


def test_without_a_training_set_nothing_is_trained(store: FolderStore) -> None:
    with pytest.raises(StoredError, match="training_set has not been made"):
        train_and_store(store, NAME, train_linear)
    assert store.current(KEY) is None
