"""Ctrl-C ends the whole job, and not just the run that is going on."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from taxi_assets.settings import PROJECT_ROOT
from taxi_assets_tests.e2e.conftest import environment, statuses

pytestmark = pytest.mark.slow


def test_an_interrupt_ends_the_job_and_trains_nothing_more(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "taxi_assets", "run", "--models", "Lasso,LinearSVR", "--evals", "500"],
        cwd=PROJECT_ROOT,
        env=environment(TAXI_HOME=str(home)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "Lasso: trial 2 of" in line:
            process.send_signal(signal.SIGINT)
            break
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert "svm.LinearSVR" not in errors
    assert "interrupted" in errors
    assert output == ""
    assert statuses(home).count("KILLED") == 1
    assert "RUNNING" not in statuses(home)
