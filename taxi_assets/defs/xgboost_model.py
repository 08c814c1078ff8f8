"""The asset `xgboost_model`: a tuned, fitted XGBoost model. Its checks."""

from typing import TYPE_CHECKING, Literal

import dagster as dg
from pydantic import Field

from taxi_assets.defs.conditions import WHEN_TRAINING_SET_CHANGED
from taxi_assets.defs.failures import RETRY_POLICY
from taxi_assets.defs.mlflow_resource import MlflowResource
from taxi_assets.defs.model_assets import ModelConfig, model_checks, train_tracked
from taxi_assets.defs.resources import StorageResource
from taxi_assets.defs.training_set import training_set
from taxi_assets.settings import load_settings
from taxi_assets.storage import locations
from taxi_assets.storage.versions import Version
from taxi_assets.training.dimensions import bounds_of
from taxi_assets.training.search_spaces import XGBOOST

if TYPE_CHECKING:
    from taxi_assets.features.training_set import TrainingSet
    from taxi_assets.training.model import TrainedModel
    from taxi_assets.training.tuning import Followers


class XGBoostConfig(ModelConfig):
    """How the XGBoost model is tuned and selected."""

    max_evaluations: int = Field(default=3, description="Sets of parameters to try.")
    early_stopping_rounds: int = Field(
        default=3, description="A trial stops after so many rounds without a better RMSE."
    )
    max_depth: int = Field(default=10, description="Depth of every tree, in the trials as in the final fit.")
    space: dict[str, list[float]] = Field(
        default=bounds_of(XGBOOST.space), description="Lowest and highest value to try of each parameter."
    )
    device: Literal["cpu", "cuda"] = Field(
        default_factory=lambda: load_settings().device, description="Where to train: cpu or cuda (TAXI_DEVICE)."
    )


@dg.asset(
    deps=[training_set],
    group_name="training",
    kinds={"xgboost"},
    owners=["team:taxi"],
    code_version="1",
    retry_policy=RETRY_POLICY,
    pool="training",
    automation_condition=WHEN_TRAINING_SET_CHANGED,
)
def xgboost_model(
    context: dg.AssetExecutionContext, config: XGBoostConfig, storage: StorageResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    """An XGBoost model, tuned, judged by its fit on the training rows, then fitted on all rows for use."""
    from taxi_assets.training.fitting import train_xgboost_model

    def train(data: "TrainingSet", version: Version, followers: "Followers") -> "TrainedModel":
        return train_xgboost_model(
            data, training_set=version.digest, facts=version.facts, followers=followers, **config.model_dump()
        )

    return train_tracked(context, storage, mlflow, locations.XGBOOST_MODEL, train)


ASSET = xgboost_model
CHECKS = model_checks(xgboost_model, lambda _: locations.XGBOOST_MODEL)
