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

from taxi_assets.settings import PROJECT_ROOT
from taxi_assets.storage.versions import file_sha256

BIN = Path(sys.executable).parent

Run = Callable[..., subprocess.CompletedProcess[str]]


def run_command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment in the project's folder, on small sample months unless told otherwise."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TAXI_", "DAGSTER_"))}
    environment |= {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "TAXI_SAMPLE_ROWS": "2000",
        "COLUMNS": "200",
    }
    return subprocess.run(
        arguments,
        cwd=PROJECT_ROOT,
        env=environment | settings,
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


def digests(home: Path) -> dict[str, str]:
    """sha256 of every file that is stored, by its place."""
    assets = home / "assets"
    return {
        path.relative_to(assets).as_posix(): file_sha256(path) for path in sorted(assets.rglob("*")) if path.is_file()
    }
