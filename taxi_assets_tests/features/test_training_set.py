"""A training set on disk."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taxi_assets.errors import StoredError
from taxi_assets.features import TrainingSet
from taxi_assets.features.training_set import MATRICES, VECTORS
from taxi_assets_tests.features.reference import assert_equal


@pytest.fixture
def saved(sample_set: TrainingSet, tmp_path: Path) -> Path:
    sample_set.save(tmp_path)
    return tmp_path


def _is_mapped(array: Any) -> bool:
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None


@pytest.mark.parametrize(("name", "encoder"), [("X", "encoder_all"), ("X_train", "encoder"), ("X_val", "encoder")])
def test_a_loaded_matrix_equals_the_saved_one(sample_set: TrainingSet, saved: Path, name: str, encoder: str) -> None:
    loaded = TrainingSet.load(saved)
    names = getattr(sample_set, encoder).get_feature_names_out()
    assert_equal(getattr(loaded, name), getattr(loaded, encoder), getattr(sample_set, name), names)


@pytest.mark.parametrize("name", VECTORS)
def test_a_loaded_vector_equals_the_saved_one(sample_set: TrainingSet, saved: Path, name: str) -> None:
    loaded, original = getattr(TrainingSet.load(saved), name), getattr(sample_set, name)
    assert loaded.dtype == original.dtype
    np.testing.assert_array_equal(loaded, original)


@pytest.mark.parametrize("name", MATRICES)
def test_matrices_are_memory_mapped(saved: Path, name: str) -> None:
    matrix = getattr(TrainingSet.load(saved), name)
    assert [_is_mapped(part) for part in (matrix.data, matrix.indices, matrix.indptr)] == [True, True, True]


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_are_memory_mapped_and_cannot_be_written(saved: Path, name: str) -> None:
    vector = getattr(TrainingSet.load(saved), name)
    assert _is_mapped(vector)
    assert not vector.flags.writeable


def test_equal_sets_give_equal_bytes(sample_set: TrainingSet, tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (sample_set if name == "one" else TrainingSet.load(tmp_path / "one")).save(tmp_path / name)
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]


def test_only_npy_and_json_files_are_written(saved: Path) -> None:
    assert {path.suffix for path in saved.iterdir()} == {".npy", ".json"}


@pytest.mark.parametrize(
    "name",
    ["X.data.npy", "X_train.indices.npy", "X_val.indptr.npy", "y.npy", "inner.npy", "encoder.json", "shapes.json"],
)
@pytest.mark.parametrize("keep", [0, 7, -1])
def test_a_truncated_file_is_refused(saved: Path, name: str, keep: int) -> None:
    (saved / name).write_bytes((saved / name).read_bytes()[:keep])
    with pytest.raises(StoredError):
        TrainingSet.load(saved)


@pytest.mark.parametrize("content", ["[]", "{}", '{"X": 1, "X_train": 1, "X_val": 1}', "null"])
def test_shapes_of_another_form_are_refused(saved: Path, content: str) -> None:
    (saved / "shapes.json").write_text(content)
    with pytest.raises(StoredError, match="damaged"):
        TrainingSet.load(saved)


def test_an_array_of_python_objects_is_refused(saved: Path) -> None:
    np.save(saved / "y.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(StoredError, match="damaged"):
        TrainingSet.load(saved)


def test_the_indices_of_another_matrix_are_refused(saved: Path) -> None:
    (saved / "X.indices.npy").write_bytes((saved / "X_val.indices.npy").read_bytes())
    with pytest.raises(StoredError, match="damaged"):
        TrainingSet.load(saved)


def test_a_missing_file_is_told_by_name(saved: Path) -> None:
    (saved / "y_val.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"y_val\.npy"):
        TrainingSet.load(saved)
