"""MLflow's runs: how one begins, is ended, and is found again when the process that wrote it was killed."""

import getpass
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal

from taxi_assets.settings import PROJECT_ROOT, load_settings
from taxi_assets.storage.processes import home_name, is_alive, process_token
from taxi_assets.tracking import tags
from taxi_assets.tracking.connection import Tracking

if TYPE_CHECKING:
    from mlflow.entities import Run

Status = Literal["FINISHED", "FAILED", "KILLED"]


def begin_run(tracking: Tracking, name: str, extra: Mapping[str, str], start_time: int | None = None) -> str:
    """Begin a run, tagged with what runs it and where; gives its id.

    Args:
        tracking: where.
        name: what people see.
        extra: further tags.
        start_time: milliseconds since the epoch; now where None.
    """
    run = tracking.client.create_run(
        tracking.experiment_id,
        start_time,
        run_name=name,
        tags={tags.SOURCE: tracking.source_id, **_origin(tracking), **extra},
    )
    run_id: str = run.info.run_id
    return run_id


def end_run(tracking: Tracking, run_id: str, status: Status) -> None:
    """End a run."""
    tracking.client.set_terminated(run_id, status)


def close_abandoned_runs(tracking: Tracking, is_over: Callable[[str], bool]) -> int:
    """Mark runs as KILLED that are RUNNING though the process that began them is dead; gives their number.

    Args:
        tracking: where.
        is_over: whether the Dagster run of an id has ended; for runs of other machines and homes.
    """
    from mlflow.entities import ViewType

    running = tracking.client.search_runs(
        [tracking.experiment_id], "attributes.status = 'RUNNING'", ViewType.ACTIVE_ONLY, max_results=1000
    )
    here = home_name(tracking.home)
    closed = 0
    for run in running:
        found = run.data.tags
        if found.get(tags.HOME) == here:
            abandoned = not is_alive(tracking.home, found.get(tags.PROCESS, ""))
        else:
            if tags.PARENT_RUN in found:
                found = tracking.client.get_run(found[tags.PARENT_RUN]).data.tags
            abandoned = tags.DAGSTER_RUN in found and is_over(found[tags.DAGSTER_RUN])
        if abandoned:
            end_run(tracking, run.info.run_id, "KILLED")
            closed += 1
    return closed


def find_runs(tracking: Tracking, condition: str, order: str) -> "list[Run]":
    """All runs that meet a condition, in an order, both as MLflow writes them."""
    runs: list[Run] = []
    token = None
    while True:
        page = tracking.client.search_runs([tracking.experiment_id], condition, order_by=[order], page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def milliseconds() -> int:
    """The time as MLflow counts it: milliseconds since the epoch."""
    return int(time.time() * 1000)


def person() -> str:
    """Who runs this: the user of the machine."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return socket.gethostname()


def _origin(tracking: Tracking) -> dict[str, str]:
    return {
        tags.HOME: home_name(tracking.home),
        tags.PROCESS: process_token(tracking.home),
        tags.USER: person(),
        tags.SOURCE_NAME: "taxi_assets",
        tags.SOURCE_TYPE: "JOB",
        **_code(),
    }


@cache
def _code() -> dict[str, str]:
    """The git commit of the code that runs; nothing where neither git nor TAXI_GIT_COMMIT tells."""
    if commit := load_settings().git_commit:
        return {tags.GIT_COMMIT: commit}
    try:
        commit = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return {}
    return {tags.GIT_COMMIT: commit, tags.GIT_CHANGED: str(bool(changed)).lower()}


def _git(*arguments: str) -> str:
    command = ("git", "-C", str(PROJECT_ROOT), *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603
