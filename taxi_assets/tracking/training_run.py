"""What MLflow keeps of the training of one model: its trials as nested runs, data, parameters, metrics, the model."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from taxi_assets.features.feature_sets import feature_set_named, fields_of
from taxi_assets.features.training_set import TrainingSet
from taxi_assets.storage.versions import Version, describe_files
from taxi_assets.tracking import tags
from taxi_assets.tracking.connection import Tracking
from taxi_assets.tracking.registry import files_digest
from taxi_assets.tracking.runs import begin_run, milliseconds
from taxi_assets.training.model import ModelRecord, TrainedModel
from taxi_assets.training.model_files import FITS, OWN_TYPES, RECORD, fit_file
from taxi_assets.training.tuning import Trial

ARTIFACT = "model"

TAGS_AT_ONCE = 100
"""MLflow takes no more in one request; a window of many months has more."""

EXAMPLE = {
    "PULocationID": "236",
    "DOLocationID": "239",
    "trip_distance": 1.98,
    "pickup_datetime": "2024-02-01 08:30:00",
}
"""A trip, with all fields that a feature set may need."""

NEEDED = ("mlflow", "numpy", "pandas", "polars", "pyarrow", "scikit-learn", "scipy", "skops", "xgboost")
"""What a model needs to be loaded beside this package. Named, since MLflow takes ten seconds to find out."""


class TrainingRun:
    """The MLflow run of one training, which is going on.

    Args:
        tracking: where it is.
        run_id: its id.
    """

    def __init__(self, tracking: Tracking, run_id: str) -> None:
        self.tracking = tracking
        self.run_id = run_id
        self._client = tracking.client
        self._since = milliseconds()
        self._best = float("inf")

    def log_trial(self, trial: Trial, reused: bool) -> None:
        """Log a trial that has just ended, as a run nested in this one."""
        from mlflow.entities import Metric, Param

        now = milliseconds()
        run_id = begin_run(
            self.tracking,
            f"trial {trial.number + 1}",
            {tags.PARENT_RUN: self.run_id, tags.REUSED: str(reused).lower()},
            start_time=now if reused else self._since,
        )
        metrics = {"selection_rmse": trial.rmse}
        if trial.rounds is not None:
            metrics["rounds"] = trial.rounds
        self._client.log_batch(
            run_id,
            metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
            params=[Param(name, str(value)) for name, value in trial.parameters.items()],
        )
        self._client.set_terminated(run_id, "FINISHED", end_time=now)
        self._best = min(self._best, trial.rmse)
        progress = {"selection_rmse": trial.rmse, "best_selection_rmse": self._best}
        self._client.log_batch(
            self.run_id, metrics=[Metric(name, value, now, trial.number + 1) for name, value in progress.items()]
        )
        self._since = now

    def log_model(self, model: TrainedModel, data: TrainingSet, folder: Path) -> None:
        """Log what was trained on, how good it is, and the model.

        Args:
            model: the trained model.
            data: its training set.
            folder: the files that `save_model` wrote of it.
        """
        import mlflow.sklearn
        from mlflow.artifacts import download_artifacts
        from mlflow.entities import Metric, Param, RunTag

        record, files = model.record, describe_files(folder)
        now = milliseconds()
        self._client.log_inputs(self.run_id, datasets=[_dataset(record, data)])
        found = {
            **record.metrics.to_dict(),
            **{f"mean_predictor_{name}": value for name, value in record.mean_predictor.to_dict().items()},
        }
        described = {
            **record.parameters,
            "random_state": record.random_state,
            "select_on": record.select_on,
            "evaluations": len(record.trials),
            **{
                name: record.facts[name]
                for name in ("feature_set", "target", "split_on_feature", "split_on_feature_value")
            },
            "months": ", ".join(record.facts["months"]),
        }
        lineage = {
            tags.MODEL: record.name,
            tags.MONTHS: ", ".join(record.facts["months"]),
            tags.TRAINING_SET: record.training_set,
            tags.SYNTHETIC: str(record.facts["synthetic"]).lower(),
            tags.MODEL_DIGEST: Version(files).digest,
            tags.FIT: Version({name: files[name] for name in map(fit_file, FITS)}).digest,
            **{f"{tags.CLEAN_TRIPS}.{month}": digest for month, digest in record.facts["clean_trips"].items()},
            **{f"{tags.LIBRARY}.{name}": found for name, found in record.libraries.items()},
        }
        self._client.log_batch(
            self.run_id,
            metrics=[Metric(name, value, now, 0) for name, value in found.items()],
            params=[Param(name, str(value)) for name, value in described.items()],
        )
        noted = [RunTag(name, value) for name, value in lineage.items()]
        for start in range(0, len(noted), TAGS_AT_ONCE):
            self._client.log_batch(self.run_id, tags=noted[start : start + TAGS_AT_ONCE])
        example = _example(record.facts["feature_set"])
        logged = mlflow.sklearn.log_model(
            model.final_fit,
            name=ARTIFACT,
            serialization_format="skops",
            skops_trusted_types=list(OWN_TYPES),
            signature=_signature(example),
            input_example=example,
            pip_requirements=[f"{name}=={version(name)}" for name in NEEDED],
            extra_files=[str(folder / RECORD), str(folder / fit_file("training_fit"))],
            metadata={"model": record.name, "months": record.facts["months"], "synthetic": record.facts["synthetic"]},
        )
        self._client.set_tag(self.run_id, tags.FILES, files_digest(Path(download_artifacts(logged.model_uri))))
        # Last: it says that all of it is there.
        self._client.set_tag(self.run_id, tags.MODEL_URI, logged.model_uri)


def _dataset(record: ModelRecord, data: TrainingSet) -> Any:
    """The training set as MLflow's dataset."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    facts = record.facts
    window = f"{facts['months'][0]}..{facts['months'][-1]}" if len(facts["months"]) > 1 else facts["months"][0]
    kind = "synthetic " if facts["synthetic"] else ""
    profile = {
        "num_rows": data.X_train.shape[0],
        "num_elements": int(data.X_train.nnz),
        "window": facts["months"],
        "split": f"{facts['split_on_feature']} < {facts['split_on_feature_value']}",
        "feature_set": facts["feature_set"],
        "shapes": data.shapes(),
        "digest": record.training_set,
    }
    dataset = Dataset(
        name=f"{kind}{facts['service']} trips {window}",
        # MLflow takes 36 characters; the profile has them all.
        digest=record.training_set[:36],
        source_type="taxi_assets",
        source=json.dumps({"asset": "training_set", "clean_trips": facts["clean_trips"]}),
        schema=None,
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _example(feature_set: str) -> Any:
    import pandas as pd

    return pd.DataFrame([{name: EXAMPLE[name] for name in fields_of(feature_set_named(feature_set).blocks())}])


def _signature(example: Any) -> Any:
    """The fields of a trip, and minutes.

    To MLflow the fields are any: zones come as strings or whole numbers, and where it is told that a distance is
    a double it refuses whole miles. The encoder in the model looks at each value itself.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType, TensorSpec

    any_type = AnyType()  # type: ignore[no-untyped-call]
    inputs: list[ColSpec | TensorSpec] = [ColSpec(any_type, name) for name in example.columns]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec(DataType.double)]))
