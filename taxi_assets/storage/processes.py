"""Which processes of this machine are alive: to tell what goes on from what a killed process left behind.

A process holds a lock on a file named by its token. The kernel frees it when the process ends, however it ends.
"""

import atexit
import os
import socket
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from taxi_assets.storage.publish import file_lock

FOLDER = "processes"

_held: dict[tuple[Path, int], tuple[str, FileLock]] = {}


def process_token(home: Path) -> str:
    """The name of this process in a home, for as long as it lives."""
    key = (home, os.getpid())
    if key not in _held:
        token = uuid4().hex
        lock = file_lock(home / FOLDER, token)
        lock.acquire()
        atexit.register(_forget_own, lock, os.getpid())
        _held[key] = (token, lock)
    return _held[key][0]


def home_name(home: Path) -> str:
    """A home, told from those of other machines."""
    return f"{socket.gethostname()}:{home}"


def is_alive(home: Path, token: str) -> bool:
    """Whether the process that a token names is alive."""
    path = home / FOLDER / f"{token}.lock"
    if not path.exists():
        return False
    lock = file_lock(home / FOLDER, token)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    _forget(lock)
    return False


def _forget_own(lock: FileLock, process: int) -> None:
    # A forked child has its parent's exit handlers too.
    if os.getpid() == process:
        _forget(lock)


def _forget(lock: FileLock) -> None:
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()
