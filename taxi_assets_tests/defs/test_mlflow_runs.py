"""Each asset partition that is made has one MLflow run of its own, which ends as the step does."""

import os
import signal
from typing import Any

import dagster as dg
import pytest

from taxi_assets.defs.sklearn_models import SklearnConfig, sklearn_models
from taxi_assets.storage.publish import FolderStore
from taxi_assets.training import fitting
from taxi_assets.training.model_files import load_record
from taxi_assets_tests.defs.running import (
    LINEAR,
    QUICK_XGBOOST,
    Resources,
    failure_of,
    materialize,
    metadata_of,
)
from taxi_assets_tests.defs.tracked import PARENT, all_runs, runs_of, statuses, tracking_of, trials_of

LASSO = "linear_model.Lasso"
LINEAR_RUN, LASSO_RUN = f"sklearn_models[{LINEAR}]", f"sklearn_models[{LASSO}]"


def train(
    resources: Resources, name: str = LINEAR, instance: dg.DagsterInstance | None = None, **settings: Any
) -> dg.ExecuteInProcessResult:
    """Train one class."""
    config = {"sklearn_models": SklearnConfig(**settings)}
    return materialize(resources, "sklearn_models", partition=name, config=config, instance=instance)


def newest(resources: Resources, name: str) -> Any:
    return runs_of(resources, name)[-1]


@pytest.mark.parametrize(
    ("asset", "partition", "name"),
    [("xgboost_model", None, "xgboost_model"), ("sklearn_models", LINEAR, LINEAR_RUN)],
)
def test_a_model_has_a_finished_run_with_its_name_that_leads_back_to_dagster(
    asset: str, partition: str | None, name: str, resources: Resources
) -> None:
    config: dict[str, dg.Config] = {"xgboost_model": QUICK_XGBOOST} if asset == "xgboost_model" else {}
    result = materialize(resources, asset, partition=partition, config=config)
    run = tracking_of(resources).client.get_run(metadata_of(result, asset)["mlflow_run_id"])
    assert (run.info.run_name, run.info.status) == (name, "FINISHED")
    assert PARENT not in run.data.tags
    assert run.data.tags["dagster_run_id"] == result.dagster_run.run_id
    assert run.data.tags["dagster_job"] == result.dagster_run.job_name
    assert run.data.tags.get("dagster_partition") == partition


def test_the_runs_are_in_the_experiment_of_the_course(resources: Resources) -> None:
    run = newest(resources, LINEAR_RUN)
    client = tracking_of(resources).client
    assert client.get_experiment(run.info.experiment_id).name == "nyc-taxi-experiment"


def test_the_trials_are_nested_under_the_run_of_their_model(resources: Resources, filled_store: FolderStore) -> None:
    result = train(resources, LASSO, max_evaluations=3)
    record = filled_store.read(f"sklearn_models/{LASSO}", lambda folder, _: load_record(folder))
    trials = trials_of(resources, metadata_of(result, "sklearn_models")["mlflow_run_id"])
    assert statuses(trials) == ["FINISHED"] * 3
    assert [run.data.metrics["selection_rmse"] for run in trials] == [trial.rmse for trial in record.trials]
    assert [run.data.params for run in trials] == [
        {name: str(value) for name, value in trial.parameters.items()} for trial in record.trials
    ]


def test_a_link_to_dagster_is_there_where_its_address_is_known(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXI_UI_URL", "http://dagster.example/")
    result = train(resources)
    link = newest(resources, LINEAR_RUN).data.tags["dagster_run_url"]
    assert link == f"http://dagster.example/runs/{result.dagster_run.run_id}"


def test_two_runs_in_one_process_do_not_mix(resources: Resources) -> None:
    results = {name: train(resources, name, max_evaluations=2) for name in (LASSO, LINEAR)}
    client = tracking_of(resources).client
    for name, result in results.items():
        run = client.get_run(metadata_of(result, "sklearn_models")["mlflow_run_id"])
        assert run.info.run_name == f"sklearn_models[{name}]"
        assert run.data.tags["taxi.model"] == name
        assert run.data.tags["dagster_run_id"] == result.dagster_run.run_id
        assert len(trials_of(resources, run.info.run_id)) == 2


def test_two_steps_of_one_dagster_run_have_a_run_each(resources: Resources) -> None:
    config = {"xgboost_model": QUICK_XGBOOST}
    result = materialize(resources, "xgboost_model", "sklearn_models", partition=LINEAR, config=config)
    assert result.success
    tagged = [run for run in all_runs(resources) if run.data.tags.get("dagster_run_id") == result.dagster_run.run_id]
    assert {run.info.run_name for run in tagged} == {"xgboost_model", LINEAR_RUN}
    assert {run.info.run_name: run.data.tags.get("dagster_partition") for run in tagged} == {
        "xgboost_model": None,
        LINEAR_RUN: LINEAR,
    }
    for run in tagged:
        assert len(trials_of(resources, run.info.run_id)) == 1


@pytest.mark.parametrize("settings", [{}, {"max_evaluations": 0}], ids=["sound", "failing"])
def test_no_run_is_active_after_a_step(settings: dict[str, int], resources: Resources) -> None:
    import mlflow

    assert train(resources, **settings).success == (not settings)
    assert mlflow.active_run() is None


@pytest.mark.parametrize("settings", [{}, {"max_evaluations": 0}], ids=["sound", "failing"])
@pytest.mark.parametrize("set_before", [True, False], ids=["set", "unset"])
def test_the_address_of_mlflow_is_as_before(
    set_before: bool, settings: dict[str, int], resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tracking_of(resources).uri if set_before else None
    if before:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", before)
    train(resources, **settings)
    assert os.environ.get("MLFLOW_TRACKING_URI") == before


def test_a_step_that_fails_leaves_a_failed_run_and_the_next_one_is_right(resources: Resources) -> None:
    assert not train(resources, LASSO, max_evaluations=0).success
    assert statuses(runs_of(resources, LASSO_RUN)) == ["FAILED"]
    result = train(resources, LASSO, max_evaluations=2)
    failed, finished = runs_of(resources, LASSO_RUN)
    assert (failed.info.status, finished.info.status) == ("FAILED", "FINISHED")
    assert finished.info.run_id == metadata_of(result, "sklearn_models")["mlflow_run_id"]
    assert len(trials_of(resources, finished.info.run_id)) == 2
    assert trials_of(resources, failed.info.run_id) == []


def test_a_step_without_a_training_set_leaves_a_failed_run(resources: Resources, filled_store: FolderStore) -> None:
    (filled_store.root / "training_set" / "current.json").unlink()
    assert "training_set has not been made yet" in failure_of(train(resources, LASSO), "sklearn_models")
    assert statuses(runs_of(resources, LASSO_RUN)) == ["FAILED"]


def test_a_step_that_is_interrupted_leaves_a_killed_run(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: Any, **options: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "_fit_steps", interrupt)
        assert failure_of(train(resources, LASSO), "sklearn_models") == "Interrupted."
    assert statuses(runs_of(resources, LASSO_RUN)) == ["KILLED"]
    assert train(resources, LASSO).success
    assert statuses(runs_of(resources, LASSO_RUN)) == ["KILLED", "FINISHED"]


def test_a_step_that_is_tried_again_has_a_run_for_each_try(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sklearn_models.node_def, "_retry_policy", dg.RetryPolicy(max_retries=2))
    fit_steps, tries = fitting._fit_steps, []

    def fail_once(*arguments: Any) -> Any:
        tries.append(arguments)
        if len(tries) == 1:
            raise OSError("The disk is ill for a moment.")
        return fit_steps(*arguments)

    monkeypatch.setattr(fitting, "_fit_steps", fail_once)
    result = train(resources, LASSO)
    assert result.success
    failed, finished = runs_of(resources, LASSO_RUN)
    assert (failed.info.status, finished.info.status) == ("FAILED", "FINISHED")
    assert {run.data.tags["dagster_run_id"] for run in (failed, finished)} == {result.dagster_run.run_id}
    assert metadata_of(result, "sklearn_models")["mlflow_run_id"] == finished.info.run_id


def test_tuning_goes_on_in_a_run_that_has_all_trials(resources: Resources) -> None:
    train(resources, LASSO, max_evaluations=1)
    result = train(resources, LASSO, max_evaluations=3)
    trials = trials_of(resources, metadata_of(result, "sklearn_models")["mlflow_run_id"])
    assert sorted(run.info.run_name for run in trials) == ["trial 1", "trial 2", "trial 3"]
    assert {run.info.run_name: run.data.tags["taxi.reused"] for run in trials} == {
        "trial 1": "true",
        "trial 2": "false",
        "trial 3": "false",
    }


def test_no_run_of_ours_is_left_running(resources: Resources) -> None:
    train(resources)
    train(resources, max_evaluations=0)
    assert "RUNNING" not in statuses(all_runs(resources))
