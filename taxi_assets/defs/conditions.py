"""When automation makes an asset of a retraining."""

from abc import abstractmethod

import dagster as dg
from typing_extensions import override

from taxi_assets.defs.made_of import out_of_date
from taxi_assets.defs.model_soundness import unchecked_models
from taxi_assets.defs.retraining import main_job_goes_on
from taxi_assets.settings import load_settings


class _OfPartitions(dg.AutomationCondition[dg.AssetKey]):
    """True for partitions of an asset that the instance gives; None stands for an asset without partitions."""

    @abstractmethod
    def partitions(self, instance: dg.DagsterInstance, asset: dg.AssetKey) -> set[str | None]:
        """The partitions for which it is true."""

    @override
    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult[dg.AssetKey]:
        view = context.asset_graph_view
        partitions = self.partitions(view.instance, context.key)
        partitions_def = view.asset_graph.get(context.key).partitions_def
        if partitions_def is not None:
            keys = {key for key in partitions if key is not None}
            subset = view.get_subset_from_partition_keys(context.key, partitions_def, keys)
        else:
            subset = view.get_full_subset(key=context.key) if partitions else view.get_empty_subset(key=context.key)
        return dg.AutomationResult(context, context.candidate_subset.compute_intersection(subset))


class OutOfDate(_OfPartitions):
    """True for what was made of other versions than those that are there now, unless `taxi run` is at work."""

    @property
    @override
    def name(self) -> str:
        return "out_of_date"

    @property
    @override
    def description(self) -> str:
        return "Made of other versions than those that are there now"

    @override
    def partitions(self, instance: dg.DagsterInstance, asset: dg.AssetKey) -> set[str | None]:
        return set() if main_job_goes_on(load_settings().home) else out_of_date(instance, asset)


class Unchecked(_OfPartitions):
    """True for models of the present training set of which a blocking check was not made."""

    @property
    @override
    def name(self) -> str:
        return "unchecked"

    @property
    @override
    def description(self) -> str:
        return "A blocking check could not be made"

    @override
    def partitions(self, instance: dg.DagsterInstance, asset: dg.AssetKey) -> set[str | None]:
        return unchecked_models(instance, asset)


# What failed is tried again by Dagster's run retries and by the schedule, and here as soon as there is something new.
_NOT_IN_VAIN = (
    ~dg.AutomationCondition.execution_failed() | dg.AutomationCondition.any_deps_updated().since_last_handled()
)

_DUE = (
    OutOfDate() & ~dg.AutomationCondition.in_progress() & ~dg.AutomationCondition.any_deps_in_progress() & _NOT_IN_VAIN
)

_DEPS_ARE_MADE = ~dg.AutomationCondition.any_deps_match(OutOfDate() & ~dg.AutomationCondition.execution_failed())

WHEN_MONTHS_CHANGED = _DUE.with_label("newest clean months changed")
"""Of the training set. A month of which a blocking check failed is not one of the newest clean months."""

WHEN_TRAINING_SET_CHANGED = (
    _DUE & _DEPS_ARE_MADE & dg.AutomationCondition.all_deps_blocking_checks_passed()
).with_label("training set changed, and its blocking checks passed")
"""Of the models."""

WHEN_MODELS_CHANGED = (
    _DUE
    & _DEPS_ARE_MADE
    & ~dg.AutomationCondition.any_deps_match(Unchecked())
    & ~dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.any_checks_match(
            dg.AutomationCondition.check_failed() | dg.AutomationCondition.in_progress(), blocking_only=True
        )
    )
).with_label("models changed, and no blocking check of theirs failed or is left to be made")
"""Of the champion. A class that could not be trained does not hold up the others."""
