"""The definitions, put together. Tests swap a resource with `resource_overrides`."""

from collections.abc import Mapping

import dagster as dg

from taxi_assets.defs import champion_model, clean_trips, raw_trips, sklearn_models, training_set, xgboost_model
from taxi_assets.defs.jobs import JOBS
from taxi_assets.defs.process_executor import process_executor
from taxi_assets.defs.resources import build_resources
from taxi_assets.defs.schedules import retrain_hourly
from taxi_assets.defs.sensors import SENSORS

MODULES = (raw_trips, clean_trips, training_set, xgboost_model, sklearn_models, champion_model)

ASSETS: tuple[dg.AssetsDefinition, ...] = tuple(module.ASSET for module in MODULES)
CHECKS: tuple[dg.AssetChecksDefinition, ...] = tuple(check for module in MODULES for check in module.CHECKS)


def build_defs(*, resource_overrides: Mapping[str, object] | None = None) -> dg.Definitions:
    """All definitions, with the resources that the settings name unless others are given.

    Raises:
        SettingError: a setting has a value that cannot be used.
    """
    return dg.Definitions(
        assets=ASSETS,
        asset_checks=CHECKS,
        jobs=JOBS,
        schedules=[retrain_hourly],
        sensors=SENSORS,
        resources={**build_resources(), **(resource_overrides or {})},
        executor=process_executor,
    )
