"""A job that trains two models in a process each. At the top of a module, so that these processes find it."""

import dagster as dg

from taxi_assets.defs.build import ASSETS
from taxi_assets.settings import load_settings
from taxi_assets_tests.defs.running import QUICK_XGBOOST, resources_in

CONFIG = {
    "ops": {"xgboost_model": {"config": QUICK_XGBOOST.model_dump()}},
    "execution": {"config": {"multiprocess": {"max_concurrent": 2}}},
}


def two_models() -> dg.JobDefinition:
    """The job, in TAXI_HOME."""
    selection = dg.AssetSelection.assets("xgboost_model", "sklearn_models")
    job = dg.define_asset_job("two_models", selection, executor_def=dg.multi_or_in_process_executor)
    definitions = dg.Definitions(assets=ASSETS, jobs=[job], resources=resources_in(load_settings().home))
    return definitions.resolve_job_def("two_models")
