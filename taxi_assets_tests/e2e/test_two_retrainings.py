"""Two retrainings of one home at the same time: the better model ends as champion, and both leave their traces."""

import subprocess
import sys
from pathlib import Path

import pytest

from taxi_assets.settings import PROJECT_ROOT
from taxi_assets.tracking.registry import version_at
from taxi_assets_tests.e2e.conftest import environment, only_json, run_command, statuses, tracking_of

pytestmark = pytest.mark.slow


def start(home: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "taxi_assets", "run", "--json", *arguments],
        cwd=PROJECT_ROOT,
        env=environment(TAXI_HOME=str(home)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_better_of_two_models_that_overwrite_each_other_is_champion(home: Path) -> None:
    assert run_command("taxi", "champion", "history", TAXI_HOME=str(home)).returncode == 0
    both = [start(home, "--models", "xgboost", "--xgb-evals", evaluations) for evaluations in ("1", "8")]
    for process in both:
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
    tracking = tracking_of(home)
    runs = tracking.client.search_runs([tracking.experiment_id], "tags.`taxi.asset` = 'xgboost_model'")
    assert len(runs) == 2
    champion = version_at(tracking, "champion")
    assert champion is not None
    assert champion.rmse == min(run.data.metrics["rmse"] for run in runs)
    assert set(statuses(home)) == {"FINISHED"}
    shown = run_command("taxi", "champion", "show", "--json", TAXI_HOME=str(home))
    assert only_json(shown)["champion"]["version"] == champion.version
