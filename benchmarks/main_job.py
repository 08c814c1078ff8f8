"""The main job from nothing: `taxi run --json` on an empty home, with the default synthetic months.

Claim: after `make setup`, `make run` takes less than two minutes on two idle cores. This runs the
command that `make run` runs; there is no other side, so the load of the machine is printed with it,
and the processor time: with idle cores the job takes about that at most, since it waits for nobody.

    .venv/bin/python benchmarks/main_job.py

What the job says of its progress goes to stderr. Prints where the time went (start and imports, each
model, all else: months, training set, checks and Dagster's records), and on the last line the total.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from alternate import ROOT, environment, verdict

CLAIM_SECONDS = 120


def main() -> None:
    argparse.ArgumentParser(description="Time the main job on an empty home.").parse_args()
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as home:
        command = [Path(sys.executable).parent / "taxi", "run", "--json"]
        start = time.perf_counter()
        done = subprocess.run(command, env=environment(Path(home)), cwd=ROOT, stdout=subprocess.PIPE, check=True)
        wall = time.perf_counter() - start
    summary = json.loads(done.stdout)
    models = {model["name"]: model["seconds"] for model in summary["models"]}
    parts = {
        "start and imports": wall - summary["seconds"],
        **models,
        "months, training set, checks, records": summary["seconds"] - sum(models.values()),
    }
    for name, seconds in parts.items():
        print(f"{seconds:7.1f} s  {name}")
    cores = len(os.sched_getaffinity(0))
    used = getrusage(RUSAGE_CHILDREN)
    print(f"{cores} cores, load {load_before:.1f} before and {os.getloadavg()[0]:.1f} after")
    print(f"{used.ru_utime + used.ru_stime:.1f} s of processor time, of all cores together")
    print(f"main_job: {wall:.1f} s; claim: under {CLAIM_SECONDS}: {verdict(wall < CLAIM_SECONDS)}")


if __name__ == "__main__":
    main()
