"""The sensors: what looks for new months, makes what is out of date, finds dead runs, and sends alerts."""

import warnings

import dagster as dg

from taxi_assets.defs.alerts import alerts
from taxi_assets.defs.made_of import RETRAINED
from taxi_assets.defs.new_trip_data import new_trip_data
from taxi_assets.defs.vanished_runs import fail_vanished_runs, free_abandoned_places
from taxi_assets.settings import load_settings

with warnings.catch_warnings():
    # Conditions that are code of ours are beta. The lock pins the version that they were tried with.
    warnings.filterwarnings("ignore", "Parameter `use_user_code_server`", dg.BetaWarning)
    retraining = dg.AutomationConditionSensorDefinition(
        "retraining",
        target=dg.AssetSelection.assets(*RETRAINED),
        minimum_interval_seconds=load_settings().sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Makes the training set, the models and the champion when what they are made of has changed.",
        run_tags={"taxi/started_by": "automation"},
        # Each class has a run of its own, without the detour of a backfill.
        emit_backfills=False,
        use_user_code_server=True,
    )


@dg.sensor(
    minimum_interval_seconds=load_settings().sensor_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks runs as failed whose process was killed, and frees their places in pools.",
)
def vanished_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Find runs whose process is dead, and places in pools that dead runs hold."""
    found = fail_vanished_runs(context.instance, load_settings().home)
    found += free_abandoned_places(context.instance)
    return dg.SkipReason(
        f"Marked as failed, or freed their places in pools: {', '.join(found)}"
        if found
        else "No process of a run is dead."
    )


SENSORS = (new_trip_data, retraining, vanished_runs, alerts)
