"""Two sides measured in alternation (A B A B …): what disturbs the machine disturbs both."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

Measured = tuple[list[float], list[float]]
"""The seconds of each round, of the first and of the second side."""


def timed(function: Callable[..., Any], *arguments: Any) -> float:
    """The seconds that a call takes; throwing its result away is not counted."""
    start = time.perf_counter()
    result = function(*arguments)
    seconds = time.perf_counter() - start
    del result
    return seconds


def alternate(sides: Mapping[str, Callable[[], float]], rounds: int) -> Measured:
    """Measure two sides, one after the other, again and again.

    Args:
        sides: two names, each with what measures that side once and gives its seconds.
        rounds: how often each is measured.
    """
    (first, measure_first), (second, measure_second) = sides.items()
    measured: Measured = ([], [])
    for number in range(1, rounds + 1):
        measured[0].append(measure_first())
        measured[1].append(measure_second())
        print(f"round {number}: {first} {measured[0][-1]:.3f} s, {second} {measured[1][-1]:.3f} s", flush=True)
    print(f"median: {first} {median(measured[0]):.3f} s, {second} {median(measured[1]):.3f} s")
    return measured


def ratio(measured: Measured) -> float:
    """The median over the rounds of the first side's time divided by the second's."""
    return median(first / second for first, second in zip(*measured, strict=True))


def verdict(holds: bool) -> str:
    """What the last line says of a claim."""
    return "holds" if holds else "DOES NOT HOLD"


def environment(home: Path) -> dict[str, str]:
    """This environment without any setting of the project or of Dagster, and with another home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TAXI_", "DAGSTER_"))}
    return kept | {"TAXI_HOME": str(home)}
