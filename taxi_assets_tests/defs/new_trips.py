"""A folder that months are put into, and the sensor `new_trip_data` that looks at it."""

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from taxi_assets.defs.build import build_defs
from taxi_assets.defs.new_trip_data import new_trip_data
from taxi_assets.trips.sample import write_sample_month
from taxi_assets_tests.defs.running import resources_in

ROWS = 500
LONG_AGO = 1_700_000_000
"""When the files were written, in seconds since 1970: one that was written just now is not taken yet."""


def publish(folder: Path, *months: str, seed: int = 1) -> None:
    """Put months into a folder, each version with a time of its own."""
    folder.mkdir(exist_ok=True)
    for month in months:
        path = file_of(folder, month)
        write_sample_month(path, "green", month, ROWS, seed)
        os.utime(path, (LONG_AGO + seed, LONG_AGO + seed))


def file_of(folder: Path, month: str) -> Path:
    return folder / f"green_tripdata_{month}.parquet"


def truncate(folder: Path, month: str) -> None:
    """Let a month be half a file."""
    path = file_of(folder, month)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    os.utime(path, (LONG_AGO, LONG_AGO))


def let_pass(home: Path, minutes: float) -> None:
    """Let all runs have ended so much earlier."""
    database = sqlite3.connect(home / "history" / "runs.db")
    with database:
        database.execute("UPDATE runs SET end_time = end_time - ?", (minutes * 60,))
    database.close()


class Sensor:
    """One look after the other at a folder, as the daemon takes them."""

    def __init__(self, instance: dg.DagsterInstance, home: Path, folder: Path) -> None:
        self.instance = instance
        self.home = home
        self.resources = resources_in(home, uri=str(folder))
        self.defs = build_defs(resource_overrides=self.resources)
        self.cursor: str | None = None
        self.reason: str | None = None

    def look(self) -> dict[str, dg.RunRequest]:
        """What is asked for, by the month."""
        context = dg.build_sensor_context(
            self.instance,
            self.cursor,
            repository_def=self.defs.get_repository_def(),
            resources={name: self.resources[name] for name in ("trips", "storage")},
        )
        found = new_trip_data.evaluate_tick(context)
        self.cursor, self.reason = found.cursor, found.skip_message
        return {(request.partition_key or "").removesuffix("-01"): request for request in found.run_requests or ()}

    def run(self, request: dg.RunRequest) -> bool:
        """Run what is asked for; whether that succeeds."""
        job = self.defs.resolve_job_def("ingest_months")
        made = job.execute_in_process(
            partition_key=request.partition_key,
            tags=dict(request.tags),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=self.instance,
            raise_on_error=False,
        )
        return made.success

    def run_all(self, requests: Mapping[str, dg.RunRequest]) -> None:
        """Run all of it."""
        for request in requests.values():
            assert self.run(request)
