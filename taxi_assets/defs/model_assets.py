"""What the model assets share: their config, their metadata, their checks."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg
from pydantic import Field

from taxi_assets.defs.checks import WARN, Stored, Verdict, stored_check
from taxi_assets.defs.failures import clear_failures
from taxi_assets.defs.made_of import made_of_tags, model_inputs
from taxi_assets.defs.mlflow_resource import MlflowResource, OpenRun
from taxi_assets.defs.resources import StorageResource
from taxi_assets.defs.retraining import beside_others
from taxi_assets.storage import locations
from taxi_assets.storage.versions import Version
from taxi_assets.training.search_spaces import SelectOn

if TYPE_CHECKING:
    from taxi_assets.features.training_set import TrainingSet
    from taxi_assets.training.model import ModelRecord, TrainedModel
    from taxi_assets.training.tuning import Followers

Train: TypeAlias = "Callable[[TrainingSet, Version, Followers], TrainedModel]"

WORSE_FACTOR = 1.05
"""A model may be 5 % worse than the one of the run before."""


class ModelConfig(dg.Config):
    """How a model is tuned and selected."""

    max_evaluations: int = Field(default=1, description="Sets of parameters to try.")
    random_state: int = Field(default=7, description="Seed of the search and of the fits.")
    select_on: SelectOn = Field(
        default="training",
        description="What tuning looks at: the last fifth in time of the training rows, or, as the course did, "
        "the validation rows that the model is judged on.",
    )


def train_tracked(
    context: dg.AssetExecutionContext, storage: StorageResource, mlflow: MlflowResource, name: str, train: Train
) -> dg.MaterializeResult:
    """Train a model on the stored training set, track it, and store it.

    Args:
        context, storage, mlflow: the step's.
        name: one of `search_spaces.MODEL_NAMES`.
        train: fits the model on a training set, whose version it is given, while the last argument follows.
    """
    from taxi_assets.tracking.training_run import TrainingRun
    from taxi_assets.training.stored import train_and_store
    from taxi_assets.training.stored_trials import StoredTrials
    from taxi_assets.training.tuning import Followers

    start = time.monotonic()
    with clear_failures(), beside_others(context), mlflow.run_of(context) as run:
        made_of = model_inputs(context.instance)
        store = storage.open()
        training_run = TrainingRun(run.tracking, run.run_id)
        followers = Followers(StoredTrials(store, name), training_run.log_trial)
        record, version = train_and_store(
            store, name, lambda data, version: train(data, version, followers), training_run.log_model
        )
    return _result(record, version, time.monotonic() - start, run, made_of)


def _result(
    record: "ModelRecord", version: Version, seconds: float, run: OpenRun, made_of: str | None
) -> dg.MaterializeResult:
    """The materialisation of a model, with what the UI shows and plots of it."""
    trials = [
        dg.TableRecord({"trial": trial.number + 1, "rmse": trial.rmse, **_flat(trial.parameters)})
        for trial in record.trials
    ]
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version.digest),
        tags=made_of_tags(made_of),
        metadata={
            "rmse": record.metrics.rmse,
            "mae": record.metrics.mae,
            "r2": record.metrics.r2,
            "rmse_of_mean_predictor": record.mean_predictor.rmse,
            "seconds": seconds,
            "evaluations": len(record.trials),
            "parameters": dg.MetadataValue.json(record.parameters),
            "trials": dg.MetadataValue.table(trials),
            "months": ", ".join(record.facts["months"]),
            "selected_on": record.select_on,
            "training_set": record.training_set,
            "mlflow_run": dg.MetadataValue.url(run.url),
            "mlflow_run_id": run.run_id,
            "bytes": sum(file.size for file in version.files.values()),
            "synthetic": record.facts["synthetic"],
        },
    )


def model_checks(
    asset: dg.AssetsDefinition, name_of: Callable[[dg.AssetCheckExecutionContext], str]
) -> tuple[dg.AssetChecksDefinition, ...]:
    """The checks of a model asset; `name_of` gives the model's name."""

    def key(context: dg.AssetCheckExecutionContext) -> str:
        return locations.model(name_of(context))

    def judge_not_worse(stored: Stored) -> Verdict:
        rmse = _judged_rmse(stored)
        previous = _previous_rmse(stored.context, asset)
        if previous is None:
            return Verdict(True, "no earlier run to compare with", {"rmse": rmse})
        expected = {"rmse_at_most": previous * WORSE_FACTOR, "rmse_of_last_run": previous}
        return Verdict(rmse <= previous * WORSE_FACTOR, expected, {"rmse": rmse})

    return (
        stored_check(
            asset,
            "finite_predictions",
            key=key,
            judge=_judge_finite,
            blocking=True,
            description="The stored model gives a finite number for every validation row.",
        ),
        stored_check(
            asset,
            "beats_mean_predictor",
            key=key,
            judge=_judge_beats_mean,
            severity=WARN,
            description="Its RMSE is under that of always predicting the mean.",
        ),
        stored_check(
            asset,
            "rmse_not_worse",
            key=key,
            judge=judge_not_worse,
            severity=WARN,
            description="Its RMSE is at most 5 % above that of the run before.",
        ),
    )


def _validation(stored: Stored) -> tuple[Any, Any]:
    """The validation targets, and what the stored model predicts for these rows."""
    import numpy as np

    from taxi_assets.errors import StoredError
    from taxi_assets.features.training_set import TrainingSet
    from taxi_assets.training.model import predict_encoded
    from taxi_assets.training.model_files import load_fit, load_record

    trained_on = load_record(stored.folder).training_set
    pipeline = load_fit(stored.folder, "training_fit")

    def predict(folder: Any, version: Version) -> tuple[Any, Any]:
        if version.digest != trained_on:
            raise StoredError(
                f"The model was trained on the training set {trained_on[:16]}, and "
                f"{version.digest[:16]} is stored now: materialise the model again."
            )
        data = TrainingSet.load(folder)
        return np.asarray(data.y_val), predict_encoded(pipeline, data.X_val)

    return stored.store.read(locations.TRAINING_SET, predict)


def _judged_rmse(stored: Stored) -> float:
    from taxi_assets.training.evaluation import evaluate

    truth, predictions = _validation(stored)
    return evaluate(truth, predictions).rmse


def _judge_finite(stored: Stored) -> Verdict:
    import numpy as np

    _, predictions = _validation(stored)
    broken = int(np.count_nonzero(~np.isfinite(predictions)))
    return Verdict(broken == 0, {"not_finite": 0}, {"not_finite": broken, "predictions": len(predictions)})


def _judge_beats_mean(stored: Stored) -> Verdict:
    from taxi_assets.training.model_files import load_record

    rmse, mean = _judged_rmse(stored), load_record(stored.folder).mean_predictor.rmse
    return Verdict(rmse < mean, {"rmse_under": mean}, {"rmse": rmse})


def _previous_rmse(context: dg.AssetCheckExecutionContext, asset: dg.AssetsDefinition) -> float | None:
    """The RMSE of the materialisation before the last one, of the partition that is checked."""
    partitions = [context.partition_key] if asset.partitions_def is not None else None
    records = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset.key, asset_partitions=partitions), limit=2
    ).records
    if len(records) < 2 or records[1].asset_materialization is None:
        return None
    value = records[1].asset_materialization.metadata["rmse"].value
    return value if isinstance(value, float) else None


def _flat(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, bool) else value for name, value in parameters.items()}
