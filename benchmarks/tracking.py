"""What tracking costs: the main job with MLflow against the same job with MLflow taken out, from nothing.

Claim: with tracking, registry and champion the main job takes at most 1.3 times as long. Each side is a
process of its own on an empty home, with the default synthetic months and all seven models; imports, and
the making of MLflow's tables, are counted.

    .venv/bin/python benchmarks/tracking.py [--rounds 3]

Prints the seconds of each round and, on the last line, the ratio.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alternate import ROOT, alternate, environment, ratio, verdict

CLAIM = 1.3


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the main job with and without tracking.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--untracked", action="store_true", help="run the main job once without tracking, and end")
    options = parser.parse_args()
    if options.untracked:
        run_untracked()
        return
    sides = {"tracked": partial(seconds_of, tracked=True), "untracked": partial(seconds_of, tracked=False)}
    found = ratio(alternate(sides, options.rounds))
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    print(f"tracking: {found:.2f} times; claim: at most {CLAIM}: {verdict(found <= CLAIM)}")


def seconds_of(tracked: bool) -> float:
    """The seconds of one main job on an empty home."""
    tracked_command = [str(Path(sys.executable).parent / "taxi"), "run", "--json"]
    command = tracked_command if tracked else [sys.executable, __file__, "--untracked"]
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        subprocess.run(command, env=environment(Path(home)), cwd=ROOT, check=True, capture_output=True)
        return time.perf_counter() - start


def run_untracked() -> None:
    """Run the main job in this process, without a champion, and with nothing where MLflow is."""
    from taxi_assets.cli import app
    from taxi_assets.defs import main_job
    from taxi_assets.defs.mlflow_resource import MlflowResource
    from taxi_assets.tracking.training_run import TrainingRun

    run = main_job._Runner.run

    def run_all_but_the_champion(self: Any, what: str, assets: list[str], *arguments: Any, **options: Any) -> Any:
        return None if assets == ["champion_model"] else run(self, what, assets, *arguments, **options)

    main_job._Runner.run = run_all_but_the_champion  # type: ignore[method-assign]
    MlflowResource.tracking = lambda self: None  # type: ignore[assignment, method-assign, return-value]
    MlflowResource.run_of = no_run  # type: ignore[assignment, method-assign]
    TrainingRun.__init__ = lambda self, tracking, run_id: None  # type: ignore[method-assign]
    TrainingRun.log_trial = lambda self, trial, reused: None  # type: ignore[method-assign]
    TrainingRun.log_model = lambda self, model, data, folder: None  # type: ignore[method-assign]
    sys.argv = ["taxi", "run", "--json"]
    app()


class NoRun:
    """Stands where an MLflow run is."""

    tracking = None
    run_id = "none"
    url = "none"


@contextmanager
def no_run(self: object, context: object) -> Iterator[NoRun]:
    yield NoRun()


if __name__ == "__main__":
    main()
