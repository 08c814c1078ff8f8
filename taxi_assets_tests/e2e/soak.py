"""`make soak`: a month appears and is trained on, while SIGKILL hits processes at random; ten times, by seed.

Each time it ends as it does without: the same bytes stored, the month ingested once, an alert delivered for each
failed run. It takes some three minutes a seed, and prints a line for each.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
import psutil

from taxi_assets_tests.defs.running import copy_home
from taxi_assets_tests.e2e.conftest import digests
from taxi_assets_tests.e2e.daemon import Deployment, drop
from taxi_assets_tests.receivers import Webhook, webhook_server

ROWS = 1_500
NEW = "2024-03"
CHANGED = 1_700_000_000
KILLS = 3
PAUSES = (3.0, 40.0)
"""Seconds between two kills: from one look of a sensor to most of a retraining."""


def settle(path: Path) -> None:
    """Give a file the same time of its change as ever: it is part of what is stored of a month."""
    os.utime(path, (CHANGED, CHANGED))


def kill_something(chance: random.Random, deployment: Deployment) -> str:
    """SIGKILL to the daemon with all its processes, or to one of these; starts the daemon again where it is dead."""
    others = psutil.Process(deployment.pid).children(recursive=True)
    victim = chance.choice([None, *sorted(others, key=lambda process: process.pid)])
    if victim is None:
        deployment.kill()
        deployment.start()
        return "all"
    command = " ".join(victim.cmdline()) if victim.is_running() else ""
    try:
        os.kill(victim.pid, signal.SIGKILL)
    except ProcessLookupError:
        return "nothing: it had ended"
    if "spawn_main" in command:
        return "a run"
    return "the code server" if "grpc" in command else "a helper"


def undelivered(deployment: Deployment, webhook: Webhook) -> set[str]:
    """The failed runs of which no alert arrived."""
    with deployment.opened() as instance:
        failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    return {f"run:{run.run_id}" for run in failed} - set(webhook.events())


def ingested(deployment: Deployment) -> int:
    """How often the new month was materialised."""
    with deployment.opened() as instance:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey("raw_trips"), asset_partitions=[f"{NEW}-01"]), limit=10
        ).records
    return len(records)


def soak(seed: int, base: Path, source: Path, folder: Path, expected: dict[str, str]) -> list[str]:
    """One retraining with kills; gives what was wrong in the end."""
    chance = random.Random(seed)
    (source / f"green_tripdata_{NEW}.parquet").unlink(missing_ok=True)
    start, kills = time.monotonic(), []
    with webhook_server() as webhook:
        deployment = Deployment(copy_home(base, folder / f"seed-{seed}"), source, TAXI_ALERT_URLS=webhook.url)
        try:
            deployment.start()
            drop(source, NEW, settle, ROWS)
            for _ in range(KILLS):
                time.sleep(chance.uniform(*PAUSES))
                kills.append(kill_something(chance, deployment))
            deployment.wait_until_retrained(NEW)
            deployment.wait_until(lambda _: not undelivered(deployment, webhook), "the last alert")
            faults = [
                *(["other bytes are stored"] if digests(deployment.home) != expected else []),
                *([f"the month was ingested {times} times"] if (times := ingested(deployment)) != 1 else []),
            ]
        except AssertionError as error:
            faults = [str(error)]
        finally:
            deployment.stop()
        vanished = len(set(webhook.events()))
    seconds = time.monotonic() - start
    outcome = "; ".join(faults) or "all as it should be"
    print(f"seed {seed}: killed {', '.join(kills)}; {vanished} alerts; {seconds:.0f} s; {outcome}", flush=True)  # noqa: T201
    return faults


def main() -> int:
    """Soak with each seed; 1 where something was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source"
        source.mkdir()
        for month in ("2024-01", "2024-02"):
            drop(source, month, settle, ROWS)
        base = Deployment(folder / "base", source)
        assert base.taxi("run").returncode == 0
        reference = Deployment(copy_home(base.home, folder / "reference"), source)
        drop(source, NEW, settle, ROWS)
        assert reference.taxi("run", "--months", f"2024-02:{NEW}").returncode == 0
        expected = digests(reference.home)
        faults = [soak(seed, base.home, source, folder, expected) for seed in range(arguments.seeds)]
    return 1 if any(faults) else 0


if __name__ == "__main__":
    sys.exit(main())
