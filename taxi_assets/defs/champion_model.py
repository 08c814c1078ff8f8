"""The asset `champion_model`: the best model, registered; the alias `champion` moves only for a win. Its checks."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from taxi_assets.defs.checks import Verdict, check_result
from taxi_assets.defs.conditions import WHEN_MODELS_CHANGED
from taxi_assets.defs.failures import RETRY_POLICY, clear_failures
from taxi_assets.defs.made_of import champion_inputs, made_of_tags
from taxi_assets.defs.mlflow_resource import MlflowResource
from taxi_assets.defs.resources import StorageResource
from taxi_assets.defs.retraining import beside_others
from taxi_assets.defs.sklearn_models import sklearn_models
from taxi_assets.defs.stale_months import TRAINED_ON
from taxi_assets.defs.xgboost_model import xgboost_model
from taxi_assets.errors import TaxiError
from taxi_assets.storage import locations

if TYPE_CHECKING:
    from taxi_assets.tracking.promotion import Promotion


@dg.asset(
    deps=[xgboost_model, sklearn_models],
    group_name="serving",
    kinds={"mlflow"},
    owners=["team:taxi"],
    code_version="1",
    retry_policy=RETRY_POLICY,
    pool="champion",
    automation_condition=WHEN_MODELS_CHANGED,
    freshness_policy=dg.FreshnessPolicy.time_window(warn_window=timedelta(days=40), fail_window=timedelta(days=70)),
)
def champion_model(
    context: dg.AssetExecutionContext, storage: StorageResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    """The best model of the training set, registered, and champion if it beats the one that is.

    Both are judged on the same validation trips, of which neither has seen any.
    """
    from taxi_assets.tracking.promotion import promote

    with clear_failures(), beside_others(context), mlflow.run_of(context) as run:
        made_of = champion_inputs(context.instance)
        store = storage.open()
        promotion = promote(run.tracking, store, run.run_id)
        trained_on = store.existing(locations.TRAINING_SET).facts["clean_trips"]
    version = promotion.champion
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version.fit or f"version {version.version}"),
        tags=made_of_tags(made_of),
        metadata={
            "champion": version.model,
            "version": version.version,
            "decision": promotion.decision.value,
            "reason": promotion.reason,
            TRAINED_ON: json.dumps(trained_on),
            "candidates": dg.MetadataValue.table(
                [
                    dg.TableRecord({"model": candidate.model, "rmse": candidate.rmse})
                    for candidate in promotion.candidates
                ],
                dg.TableSchema([dg.TableColumn("model", "string"), dg.TableColumn("rmse", "float")]),
            ),
            "champion_in_mlflow": dg.MetadataValue.url(run.tracking.version_url(version.version)),
            "mlflow_run": dg.MetadataValue.url(run.url),
            "mlflow_run_id": run.run_id,
            **_figures(promotion),
        },
    )


def _figures(promotion: "Promotion") -> dict[str, Any]:
    """The numbers that the UI plots."""
    figures: dict[str, Any] = {}
    if promotion.champion_rmse is not None:
        figures["champion_rmse"] = promotion.champion_rmse
    if promotion.comparison is not None:
        figures["rows_compared"] = promotion.comparison.rows
        figures["rmse_of_champion_before"] = promotion.comparison.champion_rmse
        figures["rmse_of_new_model"] = promotion.comparison.candidate_rmse
        figures["judged_fit_of_champion_before"] = promotion.comparison.champion_fit
    return figures


@dg.asset_check(
    asset=champion_model,
    blocking=True,
    description="The champion loads from the registry and gives a finite number for every validation trip.",
)
def champion_serves(
    context: dg.AssetCheckExecutionContext, storage: StorageResource, mlflow: MlflowResource
) -> dg.AssetCheckResult:
    """Load the version that the alias names, as serving does, and let it predict."""
    try:
        verdict = _judge_serving(storage, mlflow)
    except TaxiError as error:
        verdict = Verdict(False, "a champion that loads", str(error))
    return check_result(context, "champion_serves", verdict)


def _judge_serving(storage: StorageResource, mlflow: MlflowResource) -> Verdict:
    import numpy as np

    from taxi_assets.features.validation_trips import ValidationTrips
    from taxi_assets.tracking.registry import load_version, version_at

    with mlflow.asked() as tracking:
        champion = version_at(tracking, "champion")
        if champion is None:
            return Verdict(False, "a champion", "no version has the alias champion")
        fit = load_version(tracking, champion).final_fit
    validation = storage.open().read_verified(locations.TRAINING_SET, lambda folder, _: ValidationTrips.load(folder))
    predictions = fit.predict(validation.trips)
    broken = int(np.count_nonzero(~np.isfinite(predictions)))
    return Verdict(
        broken == 0,
        {"not_finite": 0},
        {"not_finite": broken, "predictions": len(predictions), "version": champion.version},
    )


@dg.asset_check(
    asset=champion_model,
    description="The best new model and the champion could be compared; the reason tells who serves and why.",
)
def compared_with_champion(context: dg.AssetCheckExecutionContext, mlflow: MlflowResource) -> dg.AssetCheckResult:
    """Say why the last comparison ended as it did; fails where it could not be made."""
    from taxi_assets.tracking.promotion import Decision, last_decision

    expected = "the new model and the champion compared on the same trips"
    try:
        with mlflow.asked() as tracking:
            decision, reason = last_decision(tracking)
        verdict = Verdict(decision != Decision.NOT_COMPARABLE, expected, reason)
    except TaxiError as error:
        verdict = Verdict(False, expected, str(error))
    return check_result(context, "compared_with_champion", verdict)


ASSET = champion_model
CHECKS = (champion_serves, compared_with_champion)
