"""What Dagster loads on every sensor tick and command: importing our definitions against Dagster alone.

Claim: `import taxi_assets.definitions` takes at most 1.5 times as long as `import dagster`.

Each measurement is a fresh interpreter with default settings and an empty temporary TAXI_HOME; one
of each side goes before the first round, and is not counted.

    .venv/bin/python benchmarks/import_time.py [--rounds N]

Prints the seconds of every round, each side's median, and on the last line the ratio: the median
over the rounds of our time divided by Dagster's.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from alternate import ROOT, alternate, environment, ratio, timed, verdict

CLAIM = 1.5


def import_seconds(module: str, variables: dict[str, str]) -> float:
    command = [sys.executable, "-c", f"import {module}"]
    return timed(lambda: subprocess.run(command, env=variables, cwd=ROOT, check=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="Import the definitions, against importing Dagster.")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as home:
        variables = environment(Path(home))
        sides = {
            "taxi_assets.definitions": lambda: import_seconds("taxi_assets.definitions", variables),
            "dagster": lambda: import_seconds("dagster", variables),
        }
        for warm_up in sides.values():
            warm_up()
        measured = alternate(sides, options.rounds)
    slower = ratio(measured)
    print(
        f"import_time: {slower:.2f} times the time of `import dagster`; claim: at most {CLAIM}: "
        f"{verdict(slower <= CLAIM)}"
    )


if __name__ == "__main__":
    main()
