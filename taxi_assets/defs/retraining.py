"""Who may ingest and retrain: the lock of the home is the one owner.

`taxi run` holds it alone for as long as it runs. The sensor, the schedule and the automation ask for nothing
meanwhile, and steps of theirs that were asked for before wait until it is free, without a place in a pool: the steps
of `taxi run` need these. Steps of several runs share the lock with each other; that no two of them make the same
thing is seen to before they are asked for: what is in progress is not asked for again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import ReadWriteLock, Timeout

from taxi_assets.settings import load_settings

NAME = "retraining.lock"

_alone: set[Path] = set()
"""The homes in which this process retrains alone."""


@contextmanager
def alone(home: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Ingest and retrain alone in a home.

    Args:
        home: whose assets are made.
        waiting: is called once, where others have to end first.
    """
    lock = _lock(home)
    try:
        lock.acquire_write(timeout=0)
    except Timeout:
        waiting()
        _wait(lock.acquire_write)
    _alone.add(home)
    try:
        yield
    finally:
        _alone.remove(home)
        lock.release()


@contextmanager
def beside_others(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Do a step's part of an ingestion or a retraining, after a `taxi run` of another process has ended."""
    home = load_settings().home
    if home in _alone:
        yield
        return
    lock = _lock(home)
    try:
        lock.acquire_read(timeout=0)
    except Timeout:
        context.log.info("It is the turn of `taxi run` in this home: waiting until it has ended")
        _give_place_back(context)
        _wait(lock.acquire_read)
    try:
        yield
    finally:
        lock.release()


def _wait(acquire: Callable[..., object]) -> None:
    """Wait for a lock. While SQLite waits, Python hears no signal: it does so for a second at a time."""
    while True:
        try:
            acquire(timeout=1)
        except Timeout:
            continue
        return


def _give_place_back(context: dg.AssetExecutionContext) -> None:
    """Give back a step's place in its pool, which who retrains alone may be waiting for.

    It is not asked for again: a run does one step at a time, and the queue has no more runs go on than a pool has
    places.
    """
    step = context.get_step_execution_context().step.key
    context.instance.event_log_storage.free_concurrency_slot_for_step(context.run_id, step)


def main_job_goes_on(home: Path) -> bool:
    """Whether `taxi run` is at work in a home."""
    lock = _lock(home)
    try:
        lock.acquire_read(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _lock(home: Path) -> ReadWriteLock:
    home.mkdir(parents=True, exist_ok=True)
    # Sensors are asked in several threads of one process: one lock for all of them would count them as each other's
    # `taxi run` whenever two ask at once.
    return ReadWriteLock(home / NAME, is_singleton=False)
