"""A deployment with Dagster's own daemon, which a test starts, kills, and waits for."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
from dagster._core.scheduler.instigation import TickStatus

from taxi_assets.defs.made_of import CLEAN_TRIPS, RETRAINED, out_of_date
from taxi_assets.defs.runs import IN_PROGRESS
from taxi_assets.settings import PROJECT_ROOT
from taxi_assets.trips.sample import write_sample_month
from taxi_assets_tests.conftest import ROWS
from taxi_assets_tests.e2e.conftest import environment, run_command

SECONDS = 900
"""After so long, what a test waits for is given up."""


def drop(source: Path, month: str, change: Callable[[Path], object] = lambda _: None, rows: int = ROWS) -> None:
    """Let a month's file appear in a folder, or change there."""
    path = source / f"green_tripdata_{month}.parquet"
    draft = path.with_suffix(".draft")
    write_sample_month(draft, "green", month, rows, seed=1)
    change(draft)
    draft.replace(path)


def cut_off(path: Path) -> None:
    """Keep the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


class Deployment:
    """A home, the folder that its trips come from, and the daemon.

    Args:
        home: TAXI_HOME. It is made the current deployment by `opened`.
        source: the folder of the trips.
        settings: more settings, by their variables.
    """

    def __init__(self, home: Path, source: Path, **settings: str) -> None:
        self.home = home
        self.source = source
        self.settings = {
            "TAXI_HOME": str(home),
            "TAXI_TRIPS_URI": str(source),
            "TAXI_SOURCE_SECONDS": "3",
            "TAXI_SENSOR_SECONDS": "3",
            "DAGSTER_HOME": str(PROJECT_ROOT),
        } | settings
        self.log = home.with_name(f"{home.name}.daemon.log")
        self._daemon: subprocess.Popen[bytes] | None = None

    def taxi(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `taxi` there."""
        return run_command("taxi", *arguments, **self.settings)

    def start(self, *location: str, **variables: str) -> None:
        """Start the daemon in a process group of its own, with its code server and the runs that it launches.

        Args:
            location: options of the daemon that name the code location. Default: one that can kill itself.
            variables: more of the environment.
        """
        made_ready = self.taxi("env")
        assert made_ready.returncode == 0, made_ready.stderr
        self._daemon = subprocess.Popen(
            ["dagster-daemon", "run", *(location or ("-m", "taxi_assets_tests.e2e.deadly_definitions"))],
            cwd=PROJECT_ROOT,
            env=environment(**self.settings, **variables),
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process of the daemon."""
        assert self._daemon is not None
        return self._daemon.pid

    def kill(self) -> None:
        """SIGKILL to the daemon, the code server and all runs that go on."""
        assert self._daemon is not None
        os.killpg(self._daemon.pid, signal.SIGKILL)
        self._daemon.wait()

    def stop(self) -> None:
        """End all of it."""
        if self._daemon is not None and self._daemon.poll() is None:
            self.kill()

    def opened(self) -> dg.DagsterInstance:
        """The Dagster instance."""
        os.environ["TAXI_HOME"] = str(self.home)
        return dg.DagsterInstance.from_config(self.settings["DAGSTER_HOME"])

    def wait_until(self, true: Callable[[dg.DagsterInstance], bool], what: str) -> None:
        """Wait until something is so of the instance."""
        deadline = time.monotonic() + SECONDS
        with self.opened() as instance:
            while not true(instance):
                assert time.monotonic() < deadline, f"{what} did not happen\n{self.log.read_text()[-20_000:]}"
                time.sleep(0.5)

    def wait_until_retrained(self, month: str) -> None:
        """Wait until a month is ingested, nothing is out of date, and nothing goes on."""

        def is_settled(instance: dg.DagsterInstance) -> bool:
            ingested = f"{month}-01" in instance.get_materialized_partitions(CLEAN_TRIPS)
            busy = instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS)))
            return ingested and not busy and not any(out_of_date(instance, asset) for asset in RETRAINED)

        self.wait_until(is_settled, "the end of the retraining")

    def wait_until_skipped(self, sensor: str, reason: str) -> None:
        """Wait until a sensor looks again and asks for nothing, for a reason."""
        began = time.time()

        def skips(instance: dg.DagsterInstance) -> bool:
            (state,) = (state for state in instance.all_instigator_state() if state.name == sensor)
            ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, after=began)
            return any(tick.status is TickStatus.SKIPPED and reason in (tick.skip_reason or "") for tick in ticks)

        self.wait_until(skips, f"a look of {sensor} that says {reason!r}")

    def runs(self, **tags: str) -> list[dg.DagsterRun]:
        """The runs with some tags, the oldest first."""
        with self.opened() as instance:
            return list(reversed(instance.get_runs(dg.RunsFilter(tags=tags))))
