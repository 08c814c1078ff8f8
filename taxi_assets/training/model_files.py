"""The files of a model: the one place that writes and loads one.

A fit is a scikit-learn pipeline saved with skops. Loading it runs no code from the file: before skops
looks at it, every type that the file names is held against a fixed list. What a file says of itself
is not asked. Equal models give equal bytes.
"""

import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from taxi_assets.errors import StoredError, TaxiError, UntrustedModelError
from taxi_assets.training.evaluation import Metrics
from taxi_assets.training.model import ModelRecord, TrainedModel
from taxi_assets.training.tuning import Trial

RECORD = "model.json"
SCHEMA = "schema.json"
Fit = Literal["training_fit", "final_fit"]
FITS: tuple[Fit, ...] = get_args(Fit)

OWN_TYPES = (
    "sklearn.tree._tree.Tree",
    "taxi_assets.features.encoder.TripEncoder",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBRegressor",
)
"""Types of our models that skops does not trust by itself."""

TRUSTED_NODES = frozenset(
    {
        ("builtins.bytearray", "BytearrayNode"),
        ("builtins.dict", "DictNode"),
        ("builtins.list", "ListNode"),
        ("builtins.str", "JsonNode"),
        ("builtins.str", "TypeNode"),
        ("builtins.tuple", "TupleNode"),
        ("numpy.float64", "NdArrayNode"),
        ("numpy.ndarray", "NdArrayNode"),
        ("numpy.random.mtrand.RandomState", "RandomStateNode"),
        ("sklearn._loss._loss.CyHalfSquaredError", "LossNode"),
        ("sklearn._loss.link.IdentityLink", "ObjectNode"),
        ("sklearn._loss.link.Interval", "ObjectNode"),
        ("sklearn._loss.loss.HalfSquaredError", "ObjectNode"),
        ("sklearn.dummy.DummyRegressor", "ObjectNode"),
        ("sklearn.ensemble._forest.ExtraTreesRegressor", "ObjectNode"),
        ("sklearn.ensemble._forest.RandomForestRegressor", "ObjectNode"),
        ("sklearn.ensemble._gb.GradientBoostingRegressor", "ObjectNode"),
        ("sklearn.linear_model._base.LinearRegression", "ObjectNode"),
        ("sklearn.linear_model._coordinate_descent.Lasso", "ObjectNode"),
        ("sklearn.pipeline.Pipeline", "ObjectNode"),
        ("sklearn.preprocessing._data.MaxAbsScaler", "ObjectNode"),
        ("sklearn.svm._classes.LinearSVR", "ObjectNode"),
        ("sklearn.tree._classes.DecisionTreeRegressor", "ObjectNode"),
        ("sklearn.tree._classes.ExtraTreeRegressor", "ObjectNode"),
        ("sklearn.tree._tree.Tree", "TreeNode"),
        ("taxi_assets.features.encoder.TripEncoder", "ObjectNode"),
        ("xgboost.core.Booster", "ObjectNode"),
        ("xgboost.sklearn.XGBRegressor", "ObjectNode"),
    }
)
"""Every type that a file of one of the seven models names, and how skops is to read it."""


def save_model(model: TrainedModel, folder: Path) -> None:
    """Write a model's record and its two fits into an existing folder."""
    (folder / RECORD).write_text(json.dumps(asdict(model.record), indent=1), encoding="utf-8")
    for fit in FITS:
        (folder / fit_file(fit)).write_bytes(pipeline_bytes(getattr(model, fit)))


def fit_file(fit: Fit) -> str:
    """The name of the file of a fit."""
    return f"{fit}.skops"


def load_record(folder: Path) -> ModelRecord:
    """Read the record of a model that `save_model` wrote.

    Raises:
        FileNotFoundError: the file is missing.
        StoredError: the file is not that of a record.
    """
    try:
        raw = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return ModelRecord(
            **raw
            | {
                "metrics": Metrics(**raw["metrics"]),
                "mean_predictor": Metrics(**raw["mean_predictor"]),
                "trials": [Trial(**trial) for trial in raw["trials"]],
            }
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StoredError(f"{folder / RECORD} is not the record of a model: {error}.") from error


def load_fit(folder: Path, fit: Fit) -> Any:
    """Read one fit of a model that `save_model` wrote: a pipeline from raw trips to minutes.

    Raises:
        FileNotFoundError: the file is missing.
        UntrustedModelError: the file names a type that no model of ours has.
        StoredError: the file is damaged.
    """
    return load_pipeline(folder / fit_file(fit))


def load_pipeline(path: Path) -> Any:
    """Read a pipeline; raises as `load_fit`."""
    import skops.io
    from sklearn.pipeline import Pipeline

    data = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = json.loads(archive.read(SCHEMA))
        _require_trusted(schema, path)
        pipeline = skops.io.loads(data, trusted=list(OWN_TYPES))
        if not isinstance(pipeline, Pipeline) or not pipeline.steps:
            raise TypeError("it holds no pipeline")
    except TaxiError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in zipfile, json, skops or an estimator
        raise StoredError(f"{path} is not a model file, or is damaged: {error}.") from error
    return pipeline


def pipeline_bytes(pipeline: Any) -> bytes:
    """A pipeline as the bytes of a file; equal pipelines give equal bytes.

    skops names objects by their address in memory, and its files by address, chance and time: here
    they are numbered in the order in which they are met.
    """
    import skops.io

    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline))) as source:
        schema = json.loads(source.read(SCHEMA))
        files = _number_objects(schema)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for old, new in files.items():
                archive.writestr(_entry(new), source.read(old))
            archive.writestr(_entry(SCHEMA), json.dumps(schema))
    return target.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _number_objects(schema: dict[str, Any]) -> dict[str, str]:
    """Renumber a schema's objects and files in place; gives the new name of each file."""
    numbers: dict[int, int] = {}
    files: dict[str, str] = {}
    for node in _nodes(schema):
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if "file" in node:
            suffix = PurePosixPath(node["file"]).suffix
            node["file"] = files.setdefault(node["file"], f"{len(files) + 1}{suffix}")
    return files


def _require_trusted(schema: dict[str, Any], path: Path) -> None:
    for node in _nodes(schema):
        named = (f"{node.get('__module__')}.{node.get('__class__')}", str(node.get("__loader__")))
        if named not in TRUSTED_NODES:
            raise UntrustedModelError(
                f"{path} asks for the type {named[0]} ({named[1]}), which no model of ours has: it is not loaded."
            )


def _nodes(schema: Any) -> Any:
    """Every node of a schema that stands for an object, in order."""
    if isinstance(schema, dict):
        if "__loader__" in schema or "__class__" in schema:
            yield schema
        for value in schema.values():
            yield from _nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _nodes(value)
