"""What the blocking checks of the models said last."""

import dagster as dg

from taxi_assets.defs.made_of import PARTITIONS, SKLEARN_MODELS, XGBOOST_MODEL, Soundness, out_of_date, soundness


def model_soundness(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dict[str | None, Soundness]:
    """What the blocking checks of each partition of a model asset said last; None stands for no partition."""
    # The assets hold the conditions that ask here.
    from taxi_assets.defs import sklearn_models, xgboost_model

    checks = {XGBOOST_MODEL: xgboost_model.CHECKS, SKLEARN_MODELS: sklearn_models.CHECKS}[asset]
    return {partition: soundness(instance, checks, partition) for partition in PARTITIONS[asset]}


def unchecked_models(instance: dg.DagsterInstance, asset: dg.AssetKey) -> set[str | None]:
    """The models of the present training set of which a blocking check was not made, as its process was killed."""
    found = model_soundness(instance, asset)
    return {partition for partition in found if found[partition] is Soundness.UNCHECKED} - out_of_date(instance, asset)
