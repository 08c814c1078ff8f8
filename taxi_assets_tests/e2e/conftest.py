"""Whole runs in processes of their own, as a user starts them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from taxi_assets.settings import PROJECT_ROOT, Settings
from taxi_assets.storage.versions import file_sha256
from taxi_assets.tracking.connection import Tracking, open_tracking

BIN = Path(sys.executable).parent

Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(**settings: str) -> dict[str, str]:
    """The environment of these tests without its settings, with small sample months and the given settings."""
    ours = ("TAXI_", "DAGSTER_", "MLFLOW_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return inherited | {"PATH": path, "TAXI_SAMPLE_ROWS": "2000", "COLUMNS": "200"} | settings


def run_command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment in the project's folder, on small sample months unless told otherwise."""
    return subprocess.run(
        arguments,
        cwd=PROJECT_ROOT,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A deployment of its own."""
    return tmp_path / "home"


@pytest.fixture
def command(home: Path) -> Run:
    """Run a command on `home`."""
    return partial(run_command, TAXI_HOME=str(home))


@pytest.fixture
def taxi(home: Path) -> Run:
    """Run `taxi` on `home`."""
    return partial(run_command, "taxi", TAXI_HOME=str(home))


def only_json(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON object that a command printed."""
    assert result.stdout.count("\n") == 1, result.stdout + result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def tracking_of(home: Path) -> Tracking:
    """The MLflow of a home, to look at in this process."""
    return open_tracking(Settings(TAXI_HOME=home))


def statuses(home: Path) -> list[str]:
    """The status of every run in the MLflow of a home."""
    tracking = tracking_of(home)
    return [run.info.status for run in tracking.client.search_runs([tracking.experiment_id])]


def digests(home: Path) -> dict[str, str]:
    """sha256 of every file that is stored, by its place."""
    assets = home / "assets"
    return {
        path.relative_to(assets).as_posix(): file_sha256(path) for path in sorted(assets.rglob("*")) if path.is_file()
    }
