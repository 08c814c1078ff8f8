"""`python -m taxi_assets_tests.defs.child ASSET [--partition P] [--die-at POINT] [--wait-for FILE]`: a run of its own.

It materialises an asset in TAXI_HOME on the instance of the repository's dagster.yaml. It can kill itself
at a point, and let a promotion wait until a file is there.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dagster as dg

from taxi_assets.settings import PROJECT_ROOT, load_settings
from taxi_assets_tests.defs.running import materialize, resources_in


def start_child(home: Path, asset: str, *options: str, **variables: str) -> "subprocess.Popen[str]":
    """Start such a process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TAXI_", "MLFLOW_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "taxi_assets_tests.defs.child", asset, *options],
        cwd=PROJECT_ROOT,
        env=environment | {"TAXI_HOME": str(home)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def instance_in(home: Path) -> dg.DagsterInstance:
    """The instance of a home, which must be TAXI_HOME, as dagster.yaml describes it."""
    assert load_settings().home == home
    return dg.DagsterInstance.from_config(str(PROJECT_ROOT))


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_after_a_trial() -> None:
    from taxi_assets.training.stored_trials import StoredTrials

    keep = StoredTrials.keep

    def keep_and_die(self: StoredTrials, *arguments: Any) -> None:
        keep(self, *arguments)
        die()

    StoredTrials.keep = keep_and_die  # type: ignore[method-assign]


def die_in_a_promotion() -> None:
    from taxi_assets.tracking import promotion

    promotion.set_alias = die


def wait_in_a_promotion(file: Path) -> None:
    from taxi_assets.tracking import promotion

    promote = promotion.promote

    def wait_and_promote(*arguments: Any) -> Any:
        file.with_suffix(f".{os.getpid()}").touch()
        while not file.exists():
            time.sleep(0.05)
        return promote(*arguments)

    promotion.promote = wait_and_promote


POINTS = {"trial": die_after_a_trial, "promotion": die_in_a_promotion}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("asset")
    parser.add_argument("--partition")
    parser.add_argument("--die-at", choices=POINTS)
    parser.add_argument("--wait-for", type=Path)
    arguments = parser.parse_args()
    if arguments.die_at:
        POINTS[arguments.die_at]()
    if arguments.wait_for:
        wait_in_a_promotion(arguments.wait_for)
    home = load_settings().home
    done = materialize(resources_in(home), arguments.asset, partition=arguments.partition, instance=instance_in(home))
    for event in done.get_step_failure_events():
        print(event.step_failure_data.error_display_string)  # noqa: T201
    sys.exit(0 if done.success else 1)
