"""Runs that a killed process left RUNNING."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from taxi_assets.tracking import tags
from taxi_assets.tracking.runs import begin_run, close_abandoned_runs, end_run
from taxi_assets_tests.tracking.deployment import Deployment

BEGIN = """
import sys
from taxi_assets.settings import load_settings
from taxi_assets.tracking.connection import open_tracking
from taxi_assets.tracking.runs import begin_run

print(begin_run(open_tracking(load_settings()), "in another process", {}), flush=True)
sys.stdin.read()
"""


def begin_elsewhere(deployment: Deployment, **extra: str) -> str:
    """Begin a run as a process of another home does."""
    tags_of_run = {tags.HOME: "another-host:/another/home", **extra}
    return begin_run(deployment.tracking, "elsewhere", tags_of_run)


def status(deployment: Deployment, run_id: str) -> str:
    found: str = deployment.tracking.client.get_run(run_id).info.status
    return found


def close(deployment: Deployment, *over: str) -> int:
    """Close abandoned runs, where these Dagster runs are over."""
    return close_abandoned_runs(deployment.tracking, lambda run_id: run_id in over)


def test_a_run_of_a_process_is_left_while_it_lives_and_marked_once_it_was_killed(
    deployment: Deployment, home: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    left = (close(deployment), status(deployment, run_id))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    closed = (close(deployment), status(deployment, run_id))
    assert (left, closed) == ((0, "RUNNING"), (1, "KILLED"))


def test_a_run_of_this_process_is_left(deployment: Deployment) -> None:
    run_id = begin_run(deployment.tracking, "mine", {tags.DAGSTER_RUN: "over"})
    assert close(deployment, "over") == 0
    assert status(deployment, run_id) == "RUNNING"


def test_a_run_that_has_ended_is_left_as_it_ended(deployment: Deployment) -> None:
    run_id = begin_elsewhere(deployment, **{tags.DAGSTER_RUN: "over"})
    end_run(deployment.tracking, run_id, "FAILED")
    assert close(deployment, "over") == 0
    assert status(deployment, run_id) == "FAILED"


@pytest.mark.parametrize(("over", "expected"), [((), "RUNNING"), (("theirs",), "KILLED")])
def test_a_run_of_another_home_is_closed_only_where_its_dagster_run_is_over(
    deployment: Deployment, over: tuple[str, ...], expected: str
) -> None:
    run_id = begin_elsewhere(deployment, **{tags.DAGSTER_RUN: "theirs"})
    close(deployment, *over)
    assert status(deployment, run_id) == expected


def test_a_trial_of_another_home_is_closed_with_its_parent(deployment: Deployment) -> None:
    parent = begin_elsewhere(deployment, **{tags.DAGSTER_RUN: "theirs"})
    trial = begin_elsewhere(deployment, **{tags.PARENT_RUN: parent})
    close(deployment, "theirs")
    assert status(deployment, trial) == "KILLED"


def test_a_run_that_another_program_began_is_left(deployment: Deployment) -> None:
    run = deployment.tracking.client.create_run(deployment.tracking.experiment_id)
    assert close(deployment) == 0
    assert status(deployment, run.info.run_id) == "RUNNING"
