"""Named jobs: what people launch and backfill as one thing."""

import dagster as dg

from taxi_assets.defs.champion_model import champion_model
from taxi_assets.defs.clean_trips import clean_trips
from taxi_assets.defs.raw_trips import raw_trips
from taxi_assets.defs.sklearn_models import sklearn_models
from taxi_assets.defs.training_set import training_set
from taxi_assets.defs.xgboost_model import xgboost_model

ingest_months = dg.define_asset_job(
    "ingest_months",
    dg.AssetSelection.assets(raw_trips, clean_trips),
    description="Fetch and clean a month, or by a backfill many: one run a month.",
)

train_xgboost = dg.define_asset_job(
    "train_xgboost",
    dg.AssetSelection.assets(training_set, xgboost_model),
    description="Build the training set of the newest months and train XGBoost on it.",
)

train_sklearn = dg.define_asset_job(
    "train_sklearn",
    dg.AssetSelection.assets(sklearn_models),
    description="Train one scikit-learn class on the training set, or by a backfill all six: one run a class.",
)

retrain = dg.define_asset_job(
    "retrain",
    dg.AssetSelection.assets(training_set, xgboost_model, sklearn_models, champion_model),
    description="What the hourly schedule launches parts of: the training set, the models, the champion.",
)

JOBS = (ingest_months, train_xgboost, train_sklearn, retrain)

ASSETS_OF_JOBS = {
    "ingest_months": frozenset({raw_trips.key, clean_trips.key}),
    "train_xgboost": frozenset({training_set.key, xgboost_model.key}),
    "train_sklearn": frozenset({sklearn_models.key}),
    "retrain": frozenset({training_set.key, xgboost_model.key, sklearn_models.key, champion_model.key}),
}
"""What a job makes, where its run does not say."""
