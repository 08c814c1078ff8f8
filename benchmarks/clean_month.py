"""A large month, cleaned from file to file: `clean_trip_file` against bare polars.

Claim: a month of 10 million trips takes less than 1 GiB of memory at its peak, and at most 1.3 times
the time of bare polars (scan_parquet, the same filter and columns, sink_parquet).

Every measurement is a fresh process, so that its peak memory is its own. The time is that of the
whole process with its imports. Its processor time is printed beside it: on a busy machine that one
tells whether there is more work or only more waiting. In the end the files of both are compared.

    .venv/bin/python benchmarks/clean_month.py [--rows N] [--rounds N] [--dir FOLDER]

The synthetic month is made once, in a temporary folder (below `--dir` where it is given) that is
deleted at the end. Prints the seconds of every round, each side's median and peak, and on the last
line the peak and the ratio: the median over the rounds of our time divided by that of bare polars.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from typing import Any

from alternate import alternate, ratio, timed, verdict

# Nothing heavy is imported here: on Linux the peak of a process starts at that of the one which started it.

CLAIM_RATIO = 1.3
CLAIM_MIB = 1024


def generate(target: Path, rows: int) -> None:
    from taxi_assets.trips.sample import write_sample_month

    write_sample_month(target, "green", "2024-01", rows, seed=42)


def ours(source: Path, target: Path) -> None:
    from taxi_assets.trips.cleaning import clean_trip_file

    clean_trip_file(source, target)


def bare_polars(source: Path, target: Path) -> None:
    import polars as pl

    pickup, dropoff = pl.col("lpep_pickup_datetime"), pl.col("lpep_dropoff_datetime")
    zones, distance = pl.col("PULocationID", "DOLocationID"), pl.col("trip_distance")
    microseconds = (dropoff - pickup).dt.total_microseconds()
    # Divided by columns, so that it rounds as Python does: the two files are compared.
    duration = microseconds / (microseconds * 0 + 1_000_000) / (microseconds * 0 + 60)
    (
        pl.scan_parquet(source)
        .filter(duration.is_between(1, 60), zones.is_not_null(), distance.is_finite())
        .select(
            pickup.alias("pickup_datetime"),
            dropoff.alias("dropoff_datetime"),
            zones.cast(pl.String),
            distance,
            duration.alias("duration"),
            pl.concat_str("PULocationID", "DOLocationID", separator="_").alias("PU_DO"),
        )
        .sink_parquet(target, compression="zstd")
    )


def usage(clean: Callable[[Path, Path], None], source: Path, target: Path) -> tuple[float, float]:
    """Clean a month, and tell the seconds of all cores and the peak memory in MiB of this process."""
    clean(source, target)
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def content(path: Path) -> list[tuple[Any, ...]]:
    """Names, types, rows, and a sum over the hashes of the rows."""
    import polars as pl

    trips = pl.scan_parquet(path)
    summary = trips.select(pl.len(), content=pl.struct(pl.all()).hash().sum()).collect(engine="streaming")
    return [*trips.collect_schema().items(), summary.row(0)]


def same_content(paths: list[Path]) -> bool:
    first, second = map(content, paths)
    return first == second


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def main() -> None:
    parser = argparse.ArgumentParser(description="Clean a large month, against bare polars.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, help="folder for the temporary files")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        source = Path(folder) / "raw.parquet"
        seconds = timed(in_fresh_process, generate, source, options.rows)
        size = source.stat().st_size / 2**20
        print(f"{options.rows:,} synthetic trips, {size:.0f} MiB, made in {seconds:.1f} s", flush=True)
        sides = {"taxi_assets": ours, "polars": bare_polars}
        targets = {name: Path(folder) / f"{name}.parquet" for name in sides}
        processor: dict[str, list[float]] = {name: [] for name in sides}
        peaks: dict[str, list[float]] = {name: [] for name in sides}

        def measure(name: str) -> float:
            targets[name].unlink(missing_ok=True)
            start = time.perf_counter()
            used, peak = in_fresh_process(usage, sides[name], source, targets[name])
            seconds = time.perf_counter() - start
            processor[name].append(used)
            peaks[name].append(peak)
            return seconds

        measured = alternate(
            {"taxi_assets": lambda: measure("taxi_assets"), "polars": lambda: measure("polars")}, options.rounds
        )
        assert in_fresh_process(same_content, list(targets.values())), "the two sides gave different files"

    work = ratio((processor["taxi_assets"], processor["polars"]))
    for name in sides:
        print(f"{name}: {median(processor[name]):.3f} s of processor time, highest peak {max(peaks[name]):.0f} MiB")
    peak, slower = max(peaks["taxi_assets"]), ratio(measured)
    print(
        f"clean_month: peak {peak:.0f} MiB; claim: under {CLAIM_MIB}: {verdict(peak < CLAIM_MIB)}; "
        f"{slower:.2f} times the time of bare polars (of its processor time {work:.2f}); "
        f"claim: at most {CLAIM_RATIO}: {verdict(slower <= CLAIM_RATIO)}"
    )


if __name__ == "__main__":
    main()
