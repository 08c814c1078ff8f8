"""What MLflow says of the runs of a home."""

from mlflow.entities import Run

from taxi_assets.tracking.connection import Tracking
from taxi_assets_tests.defs.running import Resources

PARENT = "mlflow.parentRunId"


def tracking_of(resources: Resources) -> Tracking:
    """The MLflow of a deployment, which must be the current one."""
    found: Tracking = resources["mlflow"].tracking()
    return found


def all_runs(resources: Resources) -> list[Run]:
    """All runs of the experiment, the oldest first."""
    tracking = tracking_of(resources)
    return list(
        tracking.client.search_runs(
            [tracking.experiment_id], order_by=["attributes.start_time ASC"], max_results=10_000
        )
    )


def runs_of(resources: Resources, name: str) -> list[Run]:
    """The runs with a name, the oldest first."""
    return [run for run in all_runs(resources) if run.info.run_name == name]


def trials_of(resources: Resources, run_id: str) -> list[Run]:
    """The runs nested in a run, the oldest first."""
    return [run for run in all_runs(resources) if run.data.tags.get(PARENT) == run_id]


def statuses(runs: list[Run]) -> list[str]:
    """The statuses of runs."""
    return [run.info.status for run in runs]
