"""A model comes back from its files as it was, and equal models have equal files."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from taxi_assets.errors import StoredError
from taxi_assets.features import TrainingSet
from taxi_assets.training.model_files import (
    OWN_TYPES,
    RECORD,
    TRUSTED_NODES,
    Fit,
    load_fit,
    load_pipeline,
    load_record,
    pipeline_bytes,
    save_model,
)
from taxi_assets.training.search_spaces import MODEL_NAMES, sklearn_class
from taxi_assets_tests.training.conftest import ModelOf
from taxi_assets_tests.training.crafting import entries, named_types, read_schema

FITS: tuple[Fit, ...] = ("training_fit", "final_fit")

FolderOf = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder_of(model_of: ModelOf, tmp_path_factory: pytest.TempPathFactory) -> FolderOf:
    """Gives the folder that the model of a name was saved in."""

    def save(name: str) -> Path:
        folder = tmp_path_factory.mktemp("model")
        save_model(model_of(name), folder)
        return folder

    return cache(save)


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.parametrize("fit", FITS)
def test_a_loaded_fit_predicts_as_the_saved_one_to_the_last_bit(
    name: str, fit: Fit, folder_of: FolderOf, model_of: ModelOf, trips: pa.Table
) -> None:
    loaded, saved = load_fit(folder_of(name), fit), getattr(model_of(name), fit)
    assert np.array_equal(loaded.predict(trips), saved.predict(trips))


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_loaded_record_equals_the_saved_one(name: str, folder_of: FolderOf, model_of: ModelOf) -> None:
    assert load_record(folder_of(name)) == model_of(name).record


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_equal_models_have_equal_files(name: str, folder_of: FolderOf, model_again_of: ModelOf, tmp_path: Path) -> None:
    save_model(model_again_of(name), tmp_path)
    files = {path.name: path.read_bytes() for path in folder_of(name).iterdir()}
    assert set(files) == {RECORD, "training_fit.skops", "final_fit.skops"}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_loaded_fit_saves_to_a_file_that_loads_again(
    name: str, folder_of: FolderOf, trips: pa.Table, tmp_path: Path
) -> None:
    loaded = load_fit(folder_of(name), "final_fit")
    (tmp_path / "again.skops").write_bytes(pipeline_bytes(loaded))
    assert np.array_equal(load_pipeline(tmp_path / "again.skops").predict(trips), loaded.predict(trips))


def test_other_models_have_other_files(folder_of: FolderOf) -> None:
    training, final = ((folder_of("linear_model.LinearRegression") / f"{fit}.skops").read_bytes() for fit in FITS)
    assert training != final


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.parametrize("fit", FITS)
def test_no_pickle_is_in_a_model_file(name: str, fit: Fit, folder_of: FolderOf) -> None:
    files = entries((folder_of(name) / f"{fit}.skops").read_bytes())
    assert {Path(entry).suffix for entry in files} <= {".json", ".npy", ".bin"}
    assert not any(content.startswith(b"\x80") for content in files.values())
    assert not any(b"'descr': '|O'" in content[:128] for content in files.values())
    schema = files["schema.json"].decode()
    for word in ("pickle", "ReduceNode", "FunctionNode", "MethodNode", "OperatorFuncNode", "PartialNode"):
        assert word not in schema


def test_the_trusted_types_are_those_that_the_seven_models_name_and_no_other(folder_of: FolderOf) -> None:
    schemas = [read_schema((folder_of(name) / f"{fit}.skops").read_bytes()) for name in MODEL_NAMES for fit in FITS]
    assert set().union(*map(named_types, schemas)) == TRUSTED_NODES


def test_types_of_our_own_are_among_the_trusted_ones() -> None:
    assert set(OWN_TYPES) <= {name for name, _ in TRUSTED_NODES}


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_every_choice_of_the_linear_regression_can_be_stored(
    fit_intercept: bool, data: TrainingSet, tmp_path: Path
) -> None:
    from sklearn.pipeline import Pipeline

    estimator = sklearn_class("linear_model.LinearRegression").estimator({"fit_intercept": fit_intercept}, 7)
    pipeline = Pipeline([("encoder", data.encoder), ("estimator", estimator.fit(data.X_train, data.y_train))])
    (tmp_path / "fit.skops").write_bytes(pipeline_bytes(pipeline))
    loaded = load_pipeline(tmp_path / "fit.skops")
    assert np.array_equal(loaded[1:].predict(data.X_val), pipeline[1:].predict(data.X_val))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"metrics": 1}', '{"metrics": {"rmse": 1}}'])
def test_a_file_that_is_no_record_is_refused_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(StoredError, match=RECORD):
        load_record(tmp_path)


def test_a_record_with_a_field_that_nobody_knows_is_refused(folder_of: FolderOf, tmp_path: Path) -> None:
    raw = json.loads((folder_of("linear_model.Lasso") / RECORD).read_text())
    (tmp_path / RECORD).write_text(json.dumps(raw | {"mood": "good"}))
    with pytest.raises(StoredError, match="mood"):
        load_record(tmp_path)


def test_missing_files_are_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_record(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_fit(tmp_path, "final_fit")
