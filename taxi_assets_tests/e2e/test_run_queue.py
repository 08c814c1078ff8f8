"""What dagster.yaml says of the queue of runs, when the code server is killed."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

from taxi_assets.defs.instance import open_ready
from taxi_assets.settings import PROJECT_ROOT
from taxi_assets_tests.defs.processes import wait_until
from taxi_assets_tests.e2e import small_definitions
from taxi_assets_tests.e2e.conftest import run_command

MODULE = small_definitions.__name__


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance as dagster.yaml describes it, with a run in its queue."""
    monkeypatch.setenv("TAXI_HOME", str(tmp_path))
    with open_ready(tmp_path, str(PROJECT_ROOT)) as instance:
        variables = {"TAXI_HOME": str(tmp_path), "DAGSTER_HOME": str(PROJECT_ROOT)}
        launched = run_command("dagster", "job", "launch", "-m", MODULE, "--job", "small_job", **variables)
        assert launched.returncode == 0, launched.stderr
        yield instance


def kill_code_server() -> None:
    """SIGKILL to the code server that this process started. The daemon starts another once a minute."""
    (server,) = (child for child in psutil.Process().children(recursive=True) if MODULE in child.cmdline())
    server.kill()
    server.wait()


def test_a_run_waits_in_the_queue_while_the_code_server_is_dead(instance: dg.DagsterInstance) -> None:
    def status() -> dg.DagsterRunStatus:
        (run,) = instance.get_runs()
        return run.status

    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
    target = ModuleTarget(module_name=MODULE, attribute=None, working_directory=str(PROJECT_ROOT), location_name=None)
    with WorkspaceProcessContext(instance, target) as workspace, daemon:
        kill_code_server()
        list(daemon.run_iteration(workspace))
        assert status() is dg.DagsterRunStatus.QUEUED
        workspace.reload_workspace()
        list(daemon.run_iteration(workspace, fixed_iteration_time=time.time() + 60))
        wait_until(lambda: status() is dg.DagsterRunStatus.SUCCESS)
