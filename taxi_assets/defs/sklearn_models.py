"""The asset `sklearn_models`: a tuned, fitted model of each of six scikit-learn classes. Its checks."""

from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from taxi_assets.defs.conditions import WHEN_TRAINING_SET_CHANGED
from taxi_assets.defs.failures import RETRY_POLICY
from taxi_assets.defs.mlflow_resource import MlflowResource
from taxi_assets.defs.model_assets import ModelConfig, model_checks, train_tracked
from taxi_assets.defs.partitions import CLASSES
from taxi_assets.defs.resources import StorageResource
from taxi_assets.defs.training_set import training_set
from taxi_assets.storage.versions import Version
from taxi_assets.training.dimensions import bounds_of
from taxi_assets.training.search_spaces import SKLEARN_CLASSES, sklearn_class

if TYPE_CHECKING:
    from taxi_assets.features.training_set import TrainingSet
    from taxi_assets.training.model import TrainedModel
    from taxi_assets.training.tuning import Followers


class SklearnConfig(ModelConfig):
    """How a scikit-learn model is tuned and selected."""

    space: dict[str, dict[str, list[float]]] = Field(
        default={name: bounds_of(model.space) for name, model in SKLEARN_CLASSES.items()},
        description="Lowest and highest value to try of each parameter, by class; a run uses those of its own class.",
    )


@dg.asset(
    partitions_def=CLASSES,
    deps=[training_set],
    group_name="training",
    kinds={"scikitlearn"},
    owners=["team:taxi"],
    code_version="1",
    retry_policy=RETRY_POLICY,
    pool="training",
    automation_condition=WHEN_TRAINING_SET_CHANGED,
)
def sklearn_models(
    context: dg.AssetExecutionContext, config: SklearnConfig, storage: StorageResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    """A model of one scikit-learn class, tuned, judged by its fit on the training rows, then fitted on all rows."""
    from taxi_assets.training.fitting import train_sklearn_model

    name = context.partition_key
    options = config.model_dump() | {"space": config.space.get(name, {})}

    def train(data: "TrainingSet", version: Version, followers: "Followers") -> "TrainedModel":
        for other in config.space:
            sklearn_class(other)
        return train_sklearn_model(
            name, data, training_set=version.digest, facts=version.facts, followers=followers, **options
        )

    return train_tracked(context, storage, mlflow, name, train)


ASSET = sklearn_models
CHECKS = model_checks(sklearn_models, lambda context: context.partition_key)
