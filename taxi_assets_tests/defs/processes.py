"""Other processes, forked from one that has Dagster imported already: to start one takes no seconds."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

SECONDS = 120
"""After which something that does not happen is given up."""

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "taxi_assets.defs.build", "taxi_assets_tests.defs.running"])


@contextmanager
def beside(home: Path, function: Callable[..., object], *arguments: Any) -> Iterator[ForkServerProcess]:
    """Let another process, whose TAXI_HOME is a home, call a function of the top of a module; killed at the end."""
    process = CONTEXT.Process(target=_call, args=(str(home), function, *arguments))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def _call(home: str, function: Callable[..., object], *arguments: Any) -> None:
    os.environ["TAXI_HOME"] = home
    function(*arguments)


def wait_for(file: Path) -> None:
    """Wait until another process has made a file.

    Files, because an event of multiprocessing that a killed process waits for can never be set again.
    """
    wait_until(file.exists)


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + SECONDS
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("What was waited for did not happen.")
        time.sleep(0.1)
