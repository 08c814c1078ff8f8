"""Steps that run in processes of their own, at the same time, have MLflow runs of their own."""

from pathlib import Path

import dagster as dg
import pytest

from taxi_assets_tests.defs.child import instance_in
from taxi_assets_tests.defs.running import LINEAR, Resources
from taxi_assets_tests.defs.tracked import PARENT, all_runs, trials_of
from taxi_assets_tests.defs.two_models import CONFIG, two_models

pytestmark = pytest.mark.slow


def test_two_steps_at_once_have_a_finished_run_each_with_its_own_trial(home: Path, resources: Resources) -> None:
    with (
        instance_in(home) as instance,
        dg.execute_job(
            dg.reconstructable(two_models), instance, run_config=CONFIG, tags={"dagster/partition": LINEAR}
        ) as result,
    ):
        assert result.success
        run_ids = {
            event.asset_key.to_user_string(): event.materialization.metadata["mlflow_run_id"].value
            for event in result.all_events
            if event.is_step_materialization and event.asset_key
        }
        dagster_run = result.dagster_run.run_id
    runs = {run.info.run_id: run for run in all_runs(resources)}
    for asset, model in (("xgboost_model", "xgboost_model"), ("sklearn_models", LINEAR)):
        run = runs[run_ids[asset]]
        assert (run.info.status, run.data.tags["taxi.model"]) == ("FINISHED", model)
        assert (run.data.tags["dagster_run_id"], run.data.tags["dagster_job"]) == (dagster_run, "two_models")
        assert PARENT not in run.data.tags
        assert len(trials_of(resources, run.info.run_id)) == 1
    tagged = [run for run in runs.values() if run.data.tags.get("dagster_run_id") == dagster_run]
    assert {run.info.run_id for run in tagged} == set(run_ids.values())
