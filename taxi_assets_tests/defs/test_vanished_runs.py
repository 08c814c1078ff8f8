"""What a killed process leaves behind is tidied up: its Dagster run, its place in a pool, its MLflow run."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import GRPC_INFO_TAG

from taxi_assets.defs.main_job import RunOptions, run_main_job
from taxi_assets.defs.sklearn_models import SklearnConfig
from taxi_assets.defs.vanished_runs import (
    HOME_TAG,
    PROCESS_TAG,
    UNNOTED,
    VANISHED_TAG,
    fail_vanished_runs,
    note_process,
    process_tags,
)
from taxi_assets.tracking.registry import version_at
from taxi_assets_tests.defs.child import instance_in, start_child
from taxi_assets_tests.defs.running import LINEAR, Resources, copy_home, current_copy, materialize, resources_in
from taxi_assets_tests.defs.test_main_job import MONTHS, Told
from taxi_assets_tests.defs.tracked import runs_of, statuses, tracking_of, trials_of

GOING_ON = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@pytest.fixture(scope="module")
def killed_home(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a deployment where a promotion was killed before it moved the alias."""
    home = copy_home(filled_home, tmp_path_factory.mktemp("killed") / "home")
    child = start_child(home, "champion_model", "--die-at", "promotion")
    output, _ = child.communicate()
    assert child.returncode == -signal.SIGKILL, output
    return home


@pytest.fixture
def killed(killed_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a copy, which is the current deployment."""
    return current_copy(killed_home, tmp_path / "killed", monkeypatch)


@pytest.fixture
def killed_instance(killed: Path) -> Iterator[dg.DagsterInstance]:
    """Its Dagster instance."""
    with instance_in(killed) as instance:
        yield instance


def add_run(
    instance: dg.DagsterInstance, tags: dict[str, str], status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED
) -> str:
    """Let an instance have a run."""
    run = dg.DagsterRun(job_name="any", status=status, tags=tags)
    instance.add_run(run)
    return run.run_id


def status_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_run_whose_process_was_killed_fails_and_its_place_in_the_pool_is_free(
    killed_instance: dg.DagsterInstance, killed: Path
) -> None:
    (run,) = killed_instance.get_runs()
    pool = killed_instance.event_log_storage
    assert run.status is dg.DagsterRunStatus.STARTED
    assert pool.get_concurrency_info("champion").active_slot_count == 1
    assert fail_vanished_runs(killed_instance, killed) == [run.run_id]
    assert status_of(killed_instance, run.run_id) is dg.DagsterRunStatus.FAILURE
    assert pool.get_concurrency_info("champion").active_slot_count == 0
    assert fail_vanished_runs(killed_instance, killed) == []


def test_the_main_job_tidies_up_first_so_that_its_promotion_finds_a_place(
    killed_instance: dg.DagsterInstance, killed: Path
) -> None:
    (run,) = killed_instance.get_runs()
    summary = run_main_job(RunOptions(months=MONTHS, models=[LINEAR]), killed_instance, resources_in(killed), Told())
    assert summary.succeeded
    assert status_of(killed_instance, run.run_id) is dg.DagsterRunStatus.FAILURE
    assert summary.champion is not None


def test_the_mlflow_run_of_a_killed_process_is_killed_when_the_next_one_begins(
    killed_instance: dg.DagsterInstance, killed: Path
) -> None:
    resources = resources_in(killed)
    assert statuses(runs_of(resources, "champion_model")) == ["RUNNING"]
    assert version_at(tracking_of(resources), "champion") is None
    assert materialize(resources, "sklearn_models", partition=LINEAR, instance=killed_instance).success
    assert statuses(runs_of(resources, "champion_model")) == ["KILLED"]


@pytest.mark.slow
def test_training_that_was_killed_goes_on_with_the_trials_it_had(home: Path, resources: Resources) -> None:
    name = "linear_model.Lasso"
    child = start_child(home, "sklearn_models", "--partition", name, "--die-at", "trial")
    output, _ = child.communicate()
    assert child.returncode == -signal.SIGKILL, output
    config = {"sklearn_models": SklearnConfig(max_evaluations=2)}
    assert materialize(resources, "sklearn_models", partition=name, config=config).success
    killed, finished = runs_of(resources, f"sklearn_models[{name}]")
    assert (killed.info.status, finished.info.status) == ("KILLED", "FINISHED")
    trials = trials_of(resources, finished.info.run_id)
    reused = {run.info.run_name: run.data.tags["taxi.reused"] for run in trials}
    assert reused == {"trial 1": "true", "trial 2": "false"}


@pytest.mark.parametrize("status", GOING_ON)
def test_a_run_that_goes_on_in_a_dead_process_fails(
    status: dg.DagsterRunStatus, empty_home: Path, instance: dg.DagsterInstance
) -> None:
    run_id = add_run(instance, process_tags(empty_home) | {PROCESS_TAG: "a process of yore"}, status)
    assert fail_vanished_runs(instance, empty_home) == [run_id]
    assert status_of(instance, run_id) is dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize("status", GOING_ON)
def test_a_run_of_a_living_process_is_left_alone(
    status: dg.DagsterRunStatus, empty_home: Path, instance: dg.DagsterInstance
) -> None:
    run_id = add_run(instance, process_tags(empty_home), status)
    assert fail_vanished_runs(instance, empty_home) == []
    assert status_of(instance, run_id) is status


def test_a_run_is_told_by_the_process_that_took_it_over(empty_home: Path, instance: dg.DagsterInstance) -> None:
    run_id = add_run(instance, {})
    note_process(instance, run_id, empty_home)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert process_tags(empty_home).items() <= run.tags.items()
    assert fail_vanished_runs(instance, empty_home) == []


@pytest.mark.parametrize("tags", [{}, {HOME_TAG: "another-machine:/home", PROCESS_TAG: "gone"}], ids=["none", "other"])
def test_a_run_of_another_home_or_without_a_process_is_left_alone(
    tags: dict[str, str], empty_home: Path, instance: dg.DagsterInstance
) -> None:
    run_id = add_run(instance, tags)
    assert fail_vanished_runs(instance, empty_home) == []
    assert status_of(instance, run_id) is dg.DagsterRunStatus.STARTED


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
)
def test_a_run_that_ended_stays_as_it_is(
    status: dg.DagsterRunStatus, empty_home: Path, instance: dg.DagsterInstance
) -> None:
    run_id = add_run(instance, process_tags(empty_home) | {PROCESS_TAG: "a process of yore"}, status)
    assert fail_vanished_runs(instance, empty_home) == []
    assert status_of(instance, run_id) is status


def retry_of(instance: dg.DagsterInstance, parent_id: str, asset: str = "training_set") -> str:
    """Let the daemon launch a run again: it inherits the tags of the one before, and starts."""
    parent = instance.get_run_by_id(parent_id)
    assert parent is not None
    run = dg.DagsterRun(
        job_name="__ASSET_JOB",
        status=dg.DagsterRunStatus.NOT_STARTED,
        tags=parent.tags | {GRPC_INFO_TAG: "{}"},
        asset_selection=frozenset({dg.AssetKey(asset)}),
        parent_run_id=parent_id,
        root_run_id=parent_id,
    )
    instance.add_run(run)
    instance.report_dagster_event(dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, run.job_name), run.run_id)
    assert status_of(instance, run.run_id) is dg.DagsterRunStatus.STARTED
    return run.run_id


@pytest.fixture
def vanished(empty_home: Path, instance: dg.DagsterInstance) -> str:
    """A run that was found dead."""
    run_id = add_run(instance, process_tags(empty_home) | {PROCESS_TAG: "a process of yore"})
    assert fail_vanished_runs(instance, empty_home) == [run_id]
    return run_id


def test_a_run_that_vanished_is_told_by_its_own_id(
    vanished: str, empty_home: Path, instance: dg.DagsterInstance
) -> None:
    retry = retry_of(instance, vanished)
    tags = {run.run_id: run.tags[VANISHED_TAG] for run in instance.get_runs()}
    assert tags == {vanished: vanished, retry: vanished}, "a retry that inherits the tag is not one that vanished"
    assert fail_vanished_runs(instance, empty_home, datetime.now(UTC) + 2 * UNNOTED) == [retry]
    run = instance.get_run_by_id(retry)
    assert run is not None
    assert run.tags[VANISHED_TAG] == retry


def test_a_retry_is_not_dead_because_its_parent_is(
    vanished: str, empty_home: Path, instance: dg.DagsterInstance
) -> None:
    retry = retry_of(instance, vanished)
    assert fail_vanished_runs(instance, empty_home) == []
    note_process(instance, retry, empty_home)
    assert fail_vanished_runs(instance, empty_home, datetime.now(UTC) + 2 * UNNOTED) == []
    assert status_of(instance, retry) is dg.DagsterRunStatus.STARTED


def test_a_run_that_started_long_ago_and_noted_no_process_was_killed(
    vanished: str, empty_home: Path, instance: dg.DagsterInstance
) -> None:
    retry = retry_of(instance, vanished)
    now = datetime.now(UTC)
    assert fail_vanished_runs(instance, empty_home, now + 0.9 * UNNOTED) == []
    assert fail_vanished_runs(instance, empty_home, now + 1.1 * UNNOTED) == [retry]
    again = retry_of(instance, retry)
    assert fail_vanished_runs(instance, empty_home) == []
    assert fail_vanished_runs(instance, empty_home, now + 2 * UNNOTED) == [again]


def test_a_run_of_another_project_that_noted_no_process_is_left_alone(
    vanished: str, empty_home: Path, instance: dg.DagsterInstance
) -> None:
    theirs = retry_of(instance, vanished, asset="of_another_project")
    assert fail_vanished_runs(instance, empty_home, datetime.now(UTC) + 10 * UNNOTED) == []
    assert status_of(instance, theirs) is dg.DagsterRunStatus.STARTED
