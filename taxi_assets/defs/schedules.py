"""The schedule `retrain_hourly`: what the automation has left undone."""

import dagster as dg

from taxi_assets.defs import training_set
from taxi_assets.defs.jobs import retrain
from taxi_assets.defs.made_of import (
    CHAMPION_MODEL,
    CLEAN_TRIPS,
    RETRAINED,
    SKLEARN_MODELS,
    TRAINING_SET,
    XGBOOST_MODEL,
    Soundness,
    out_of_date,
    soundness,
    training_set_inputs,
    untried_classes,
)
from taxi_assets.defs.model_soundness import model_soundness, unchecked_models
from taxi_assets.defs.retraining import main_job_goes_on
from taxi_assets.defs.runs import runs_in_progress
from taxi_assets.settings import load_settings

MODELS = (XGBOOST_MODEL, SKLEARN_MODELS)


@dg.schedule(
    cron_schedule="@hourly",
    execution_timezone="America/New_York",
    job=retrain,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Retrains what is out of date: what failed before, or everything where the automation is off. "
    "Skips while a retraining is in progress, and where no data version changed since the last one.",
)
def retrain_hourly(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for the first part of a retraining that is out of date; automation, or the next hour, sees to the rest."""
    instance = context.instance
    if main_job_goes_on(load_settings().home):
        return dg.SkipReason("`taxi run` is at work in this home.")
    if runs := runs_in_progress(instance, RETRAINED):
        return dg.SkipReason(f"A retraining is in progress: run {runs[0].run_id} ({runs[0].status.value}).")
    if runs := runs_in_progress(instance, {CLEAN_TRIPS}):
        return dg.SkipReason(f"A month is being ingested: run {runs[0].run_id} ({runs[0].status.value}).")
    return _first_part(instance)


def _first_part(instance: dg.DagsterInstance) -> list[dg.RunRequest] | dg.SkipReason:
    checked = soundness(instance, training_set.CHECKS)
    if out_of_date(instance, TRAINING_SET) or checked is Soundness.UNCHECKED:
        return [_request(TRAINING_SET, XGBOOST_MODEL)]
    if checked is Soundness.BLOCKED:
        return dg.SkipReason("A blocking check of the training set failed: no model is trained on it.")
    unchecked = {asset: unchecked_models(instance, asset) for asset in MODELS}
    requests = [
        _request(asset, partition=partition)
        for asset in MODELS
        for partition in sorted(out_of_date(instance, asset) | unchecked[asset], key=str)
    ]
    blocked = _blocked_models(instance)
    held_up = blocked or any(unchecked.values())
    # A class that fails every time does not hold up the others; one whose turn is still to come does.
    if out_of_date(instance, CHAMPION_MODEL) and not held_up and not untried_classes(instance):
        requests.append(_request(CHAMPION_MODEL))
    if requests:
        return requests
    if blocked:
        return dg.SkipReason(f"A blocking check of {blocked[0]} failed: no champion is chosen.")
    if training_set_inputs(instance) is None:
        return dg.SkipReason("There are fewer than two clean months that passed their checks.")
    return dg.SkipReason("No data version changed since the last retraining.")


def _request(*assets: dg.AssetKey, partition: str | None = None) -> dg.RunRequest:
    # Several requests of one hour must differ in their keys; those of two hours may have the same.
    key = partition or assets[0].to_user_string()
    return dg.RunRequest(run_key=key, asset_selection=list(assets), partition_key=partition)


def _blocked_models(instance: dg.DagsterInstance) -> list[str]:
    """The models of which a blocking check failed last."""
    return [
        partition or asset.to_user_string()
        for asset in MODELS
        for partition, said in model_soundness(instance, asset).items()
        if said is Soundness.BLOCKED
    ]
