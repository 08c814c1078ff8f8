"""The way to MLflow: dagster-mlflow's resource, opened for one asset partition at a time.

dagster-mlflow opens one MLflow run for a Dagster run. Its steps would share it, those of two runs in one
process would mix, two parallel steps would open two, and its hook, which waits for the last step, never
ends the run of an asset that has checks. So each partition gets a run of its own here, which is given to
dagster-mlflow by its id and ended with the step, whatever becomes of it.

Loading dagster-mlflow loads MLflow, which takes longer than Dagster itself: it is imported where it is used.
"""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from taxi_assets.defs.links import run_link
from taxi_assets.defs.vanished_runs import note_process
from taxi_assets.settings import load_settings

if TYPE_CHECKING:
    from taxi_assets.tracking.connection import Tracking


@dataclass(frozen=True)
class OpenRun:
    """The MLflow run of a step: where it is, its id, and where people see it."""

    tracking: "Tracking"
    run_id: str

    @property
    def url(self) -> str:
        """Where people see it."""
        return self.tracking.run_url(self.run_id)


class MlflowResource(dg.ConfigurableResource):
    """Where runs and models are tracked. The address can hold a password, so that it is not a field."""

    def tracking(self) -> "Tracking":
        """MLflow, if it answers.

        Raises:
            TrackingError: it does not; the message comes within seconds.
        """
        from taxi_assets.tracking.connection import open_tracking

        return open_tracking(load_settings())

    @contextmanager
    def asked(self) -> "Iterator[Tracking]":
        """MLflow, to be asked in a block.

        Raises:
            TrackingError: it does not answer, then or within the block.
        """
        from taxi_assets.tracking.connection import mlflow_errors

        with mlflow_errors(load_settings()):
            yield self.tracking()

    @contextmanager
    def run_of(self, context: dg.AssetExecutionContext) -> Iterator[OpenRun]:
        """The MLflow run of the asset partition that a step makes: FINISHED, FAILED or KILLED as the step is.

        Runs that killed processes left are closed first.

        Raises:
            TrackingError: MLflow does not answer, then or later.
        """
        from taxi_assets.tracking.runs import begin_run, close_abandoned_runs, end_run

        note_process(context.instance, context.run.run_id, load_settings().home)
        with self.asked() as tracking:
            if closed := close_abandoned_runs(tracking, lambda run_id: _is_over(context.instance, run_id)):
                context.log.warning(f"{closed} MLflow runs of killed processes are marked as KILLED")
            name = asset_partition(context)
            run_id = begin_run(tracking, name, _lineage(context))
            try:
                with _active_run(context, tracking, run_id, name):
                    yield OpenRun(tracking, run_id)
            except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
                end_run(tracking, run_id, "KILLED")
                raise
            except BaseException:
                end_run(tracking, run_id, "FAILED")
                raise
            end_run(tracking, run_id, "FINISHED")


@contextmanager
def _active_run(context: dg.AssetExecutionContext, tracking: "Tracking", run_id: str, name: str) -> Iterator[None]:
    """Let dagster-mlflow make a run the active one; afterwards none is."""
    from taxi_assets.tracking.connection import EXPERIMENT, default_address

    config = {"experiment_name": EXPERIMENT, "mlflow_tracking_uri": tracking.uri, "mlflow_run_id": run_id}
    with default_address(tracking), ExitStack() as stack:
        with warnings.catch_warnings():
            # dagster-mlflow is beta. The lock pins the version that it was tried with.
            warnings.simplefilter("ignore", dg.BetaWarning)
            from dagster_mlflow import mlflow_tracking

            opened = stack.enter_context(
                dg.build_resources(
                    {"mlflow": mlflow_tracking},
                    instance=context.instance,
                    resource_config={"mlflow": {"config": config}},
                    dagster_run=context.run,
                    log_manager=context.log,
                )
            )
        # It gives the run the name of the job.
        tracking.client.update_run(run_id, name=name)
        try:
            yield
        finally:
            while opened.mlflow.active_run() is not None:
                opened.mlflow.end_run("RUNNING")


def asset_partition(context: dg.AssetExecutionContext) -> str:
    """An asset with its partition as people read it: `sklearn_models[linear_model.Lasso]`."""
    asset, partition = context.asset_key.to_user_string(), _partition(context)
    return f"{asset}[{partition}]" if partition else asset


def _partition(context: dg.AssetExecutionContext) -> str | None:
    """The partition that a step makes; none where the asset has none, though the run has one for another asset."""
    return context.partition_key if context.assets_def.partitions_def is not None else None


def _lineage(context: dg.AssetExecutionContext) -> dict[str, str]:
    """Tags that lead back to the Dagster run."""
    from taxi_assets.tracking import tags

    found = {
        tags.ASSET: asset_partition(context),
        tags.DAGSTER_RUN: context.run.run_id,
        tags.DAGSTER_JOB: context.job_name,
    }
    if partition := _partition(context):
        found[tags.PARTITION] = partition
    if link := run_link(load_settings().ui_url, context.run.run_id):
        found[tags.DAGSTER_RUN_URL] = link
    return found


def _is_over(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is not None and run.is_finished
