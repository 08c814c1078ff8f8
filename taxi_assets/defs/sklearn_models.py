"""The asset `sklearn_models`: a tuned, fitted model of each of six scikit-learn classes. Its checks."""

import time
from typing import TYPE_CHECKING

import dagster as dg

from taxi_assets.defs.failures import RETRY_POLICY, clear_failures
from taxi_assets.defs.model_assets import ModelConfig, model_checks, model_result
from taxi_assets.defs.partitions import CLASSES
from taxi_assets.defs.resources import StorageResource
from taxi_assets.defs.training_set import training_set
from taxi_assets.storage.versions import Version

if TYPE_CHECKING:
    from taxi_assets.features.training_set import TrainingSet
    from taxi_assets.training.model import TrainedModel


class SklearnConfig(ModelConfig):
    """How a scikit-learn model is tuned and selected."""


@dg.asset(
    partitions_def=CLASSES,
    deps=[training_set],
    group_name="training",
    kinds={"scikitlearn"},
    owners=["team:taxi"],
    code_version="1",
    retry_policy=RETRY_POLICY,
)
def sklearn_models(
    context: dg.AssetExecutionContext, config: SklearnConfig, storage: StorageResource
) -> dg.MaterializeResult:
    """A model of one scikit-learn class, tuned, judged by its fit on the training rows, then fitted on all rows."""
    from taxi_assets.training.fitting import train_sklearn_model
    from taxi_assets.training.stored import train_and_store

    name = context.partition_key

    def train(data: "TrainingSet", version: Version) -> "TrainedModel":
        return train_sklearn_model(name, data, training_set=version.digest, facts=version.facts, **config.model_dump())

    start = time.monotonic()
    with clear_failures():
        record, version = train_and_store(storage.open(), name, train)
    return model_result(record, version, time.monotonic() - start)


ASSET = sklearn_models
CHECKS = model_checks(sklearn_models, lambda context: context.partition_key)
