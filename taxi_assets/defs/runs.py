"""Which runs go on, and what they make."""

from collections.abc import Collection

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus, PartitionBackfill
from dagster._core.storage.tags import PARTITION_NAME_TAG

from taxi_assets.defs.jobs import ASSETS_OF_JOBS
from taxi_assets.defs.partitions import month_of

OURS = frozenset().union(*ASSETS_OF_JOBS.values())
"""All assets that jobs of ours make."""

IN_PROGRESS = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def runs_in_progress(instance: dg.DagsterInstance, assets: Collection[dg.AssetKey]) -> list[dg.DagsterRun]:
    """The runs that are queued or going on and make one of some assets."""
    runs = instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS)))
    return [run for run in runs if not assets_of(run).isdisjoint(assets)]


def months_in_progress(instance: dg.DagsterInstance, assets: Collection[dg.AssetKey]) -> set[str]:
    """The months (`2024-01`) of which some assets are being made, or will be by a backfill."""
    partitions = {run.tags.get(PARTITION_NAME_TAG, "") for run in runs_in_progress(instance, assets)}
    unfinished = BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED])
    for backfill in instance.get_backfills(unfinished):
        partitions.update(backfill.partition_names or _partitions(backfill, assets))
    return {month_of(partition) for partition in partitions}


def _partitions(backfill: PartitionBackfill, assets: Collection[dg.AssetKey]) -> set[str]:
    data = backfill.asset_backfill_data
    if data is None:
        return set()
    return {
        partition.partition_key
        for partition in data.target_subset.iterate_asset_partitions()
        if partition.asset_key in assets and partition.partition_key is not None
    }


def assets_of(run: dg.DagsterRun) -> frozenset[dg.AssetKey]:
    """What a run makes."""
    return frozenset(run.asset_selection or ASSETS_OF_JOBS.get(run.job_name) or ())
