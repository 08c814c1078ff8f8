"""The checks of training_set: shapes that contradict each other, and shapes that are known to be others."""

from collections.abc import Callable
from dataclasses import replace

import dagster as dg
import numpy as np
import pytest

from taxi_assets.features import TrainingSet, known_windows
from taxi_assets.storage import locations
from taxi_assets.storage.publish import FolderStore
from taxi_assets_tests.defs.running import Resources, actual, expected, failures, republish, run_checks

CHECK_OF = {"X": "dataset_shape", "X_train": "training_shape", "X_val": "validation_shape"}

Change = Callable[[TrainingSet], TrainingSet]


def check_changed(store: FolderStore, resources: Resources, change: Change) -> dict[str, dg.AssetCheckEvaluation]:
    """Run the checks on the training set after it was changed."""
    data = load(store)
    changed = change(replace(data, y=np.array(data.y), y_train=np.array(data.y_train)))
    republish(store, locations.TRAINING_SET, changed.save)
    return run_checks(resources, "training_set")


def load(store: FolderStore) -> TrainingSet:
    return store.read(locations.TRAINING_SET, lambda folder, _: TrainingSet.load(folder))


def know(monkeypatch: pytest.MonkeyPatch, store: FolderStore, shapes: known_windows.Shapes) -> None:
    """Let the stored window be known, with these shapes."""
    facts = store.existing(locations.TRAINING_SET).facts
    window = known_windows.Window(
        frozenset(facts["raw_files"]),
        facts["split_on_feature"],
        facts["split_on_feature_value"],
        facts["target"],
        facts["feature_set"],
        facts["include_extreme_durations"],
    )
    monkeypatch.setattr(known_windows, "KNOWN_SHAPES", {window: shapes})


def test_a_row_missing_of_all_trips_fails(filled_store: FolderStore, resources: Resources) -> None:
    rows, columns = load(filled_store).shapes()["X"]
    checks = check_changed(filled_store, resources, lambda data: replace(data, X=data.X[:-1]))
    assert failures(checks) == {"dataset_shape": "ERROR", "validation_shape": "ERROR"}
    assert expected(checks["dataset_shape"]) == {"X": [rows, columns]}
    assert actual(checks["dataset_shape"]) == {"X": [rows - 1, columns]}


def test_a_target_missing_fails(filled_store: FolderStore, resources: Resources) -> None:
    checks = check_changed(filled_store, resources, lambda data: replace(data, y=data.y[:-1]))
    assert failures(checks) == {"dataset_shape": "ERROR"}


def test_a_training_row_missing_fails(filled_store: FolderStore, resources: Resources) -> None:
    rows, columns = load(filled_store).shapes()["X_train"]
    checks = check_changed(filled_store, resources, lambda data: replace(data, X_train=data.X_train[:-1]))
    assert failures(checks) == {"training_shape": "ERROR", "validation_shape": "ERROR"}
    assert expected(checks["training_shape"]) == {"X_train": [rows, columns]}
    assert actual(checks["training_shape"]) == {"X_train": [rows - 1, columns]}


def test_a_validation_row_missing_fails(filled_store: FolderStore, resources: Resources) -> None:
    rows, columns = load(filled_store).shapes()["X_val"]
    checks = check_changed(filled_store, resources, lambda data: replace(data, X_val=data.X_val[:-1]))
    assert failures(checks) == {"validation_shape": "ERROR"}
    assert expected(checks["validation_shape"]) == {"X_val": [rows, columns]}
    assert actual(checks["validation_shape"]) == {"X_val": [rows - 1, columns]}


@pytest.mark.parametrize("matrix", CHECK_OF)
def test_a_column_missing_fails(matrix: str, filled_store: FolderStore, resources: Resources) -> None:
    checks = check_changed(
        filled_store, resources, lambda data: replace(data, **{matrix: getattr(data, matrix)[:, :-1]})
    )
    assert not checks[CHECK_OF[matrix]].passed


def test_an_encoder_of_other_rows_fails(filled_store: FolderStore, resources: Resources) -> None:
    checks = check_changed(filled_store, resources, lambda data: replace(data, encoder=data.encoder_all))
    assert failures(checks) == {"training_shape": "ERROR"}


@pytest.mark.parametrize("matrix", CHECK_OF)
def test_a_known_window_of_another_shape_fails(
    matrix: str, filled_store: FolderStore, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = load(filled_store).shapes()
    know(monkeypatch, filled_store, shapes | {matrix: (105_870, 7_027)})
    checks = run_checks(resources, "training_set")
    assert failures(checks) == {CHECK_OF[matrix]: "ERROR"}
    assert expected(checks[CHECK_OF[matrix]]) == {matrix: [105_870, 7_027]}
    assert actual(checks[CHECK_OF[matrix]]) == {matrix: list(shapes[matrix])}


def test_a_known_window_of_its_shapes_passes(
    filled_store: FolderStore, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, filled_store, load(filled_store).shapes())
    assert failures(run_checks(resources, "training_set")) == {}


def test_known_shapes_do_not_excuse_a_contradiction(
    filled_store: FolderStore, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load(filled_store)
    broken = replace(data, y=np.array(data.y[:-1]))
    republish(filled_store, locations.TRAINING_SET, broken.save)
    know(monkeypatch, filled_store, data.shapes())
    assert failures(run_checks(resources, "training_set")) == {"dataset_shape": "ERROR"}
