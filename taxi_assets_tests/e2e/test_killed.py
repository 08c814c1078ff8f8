"""SIGKILL at named points, then a rerun: all that is stored equals what a run stores that was never killed."""

import shutil
import signal
import sys
from pathlib import Path

import pytest

from taxi_assets_tests.e2e.conftest import Run, digests, only_json, run_command, statuses
from taxi_assets_tests.e2e.kill_at import POINTS

pytestmark = pytest.mark.slow

RUN = ("run", "--models", "xgboost,LinearRegression")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path) -> dict[str, str]:
    """What a run stores that was never killed."""
    home = tmp_path_factory.mktemp("undisturbed")
    result = run_command("taxi", *RUN, TAXI_TRIPS_URI=str(sample_folder), TAXI_HOME=str(home))
    assert result.returncode == 0, result.stderr
    return digests(home)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path) -> Path:
    """A home in which an earlier run stored another training set and other models."""
    home = tmp_path_factory.mktemp("earlier")
    settings = {"TAXI_TRIPS_URI": str(sample_folder), "TAXI_HOME": str(home)}
    result = run_command("taxi", *RUN, "--split", "2024-01-20", **settings)
    assert result.returncode == 0, result.stderr
    return home


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_was_killed_and_run_again_ends_like_one_that_was_not(
    command: Run, home: Path, sample_folder: Path, earlier: Path, undisturbed: dict[str, str], point: str
) -> None:
    shutil.copytree(earlier, home)
    source = str(sample_folder)
    killed = command(sys.executable, "-m", "taxi_assets_tests.e2e.kill_at", point, *RUN, TAXI_TRIPS_URI=source)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if "champion" not in point and "decision" not in point:
        assert digests(home) != undisturbed
    rerun = command("taxi", *RUN, "--json", TAXI_TRIPS_URI=source)
    assert rerun.returncode == 0, rerun.stderr
    assert digests(home) == undisturbed
    assert only_json(rerun)["champion"]["name"] == "xgboost_model"
    assert "RUNNING" not in statuses(home)


def test_the_trials_of_a_killed_search_are_not_made_again(
    command: Run, home: Path, sample_folder: Path, undisturbed: dict[str, str]
) -> None:
    source = str(sample_folder)
    point = "while_a_model_is_fitted"
    killed = command(sys.executable, "-m", "taxi_assets_tests.e2e.kill_at", point, *RUN, TAXI_TRIPS_URI=source)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    rerun = command("taxi", *RUN, TAXI_TRIPS_URI=source)
    assert "1 of 3 trials were made before" in rerun.stderr
    assert digests(home) == undisturbed
