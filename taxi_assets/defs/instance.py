"""The Dagster instance of a home, made ready once: two of Dagster's processes fail over making it at the same time."""

from pathlib import Path

import dagster as dg

from taxi_assets.storage.home import is_instance_ready, note_instance_ready
from taxi_assets.storage.publish import file_lock

POOLS = {"champion": 1, "training": 2}
"""Steps of a pool that go on at once: two models fill two cores, and a promotion waits for the one before.

On SQLite, Dagster can give one place to two steps that ask in the same instant. What keeps promotions apart then
is the lock of `tracking/promotion.py`; the pool makes it seen who waits, and on PostgreSQL holds between machines.
"""


def open_ready(home: Path, dagster_home: str) -> dg.DagsterInstance:
    """Open an instance that is ready: its tables and the places of its pools are made first where they are missing.

    On a new SQLite file, two of Dagster's processes fail over making the tables at once, which begins as they open it.

    Args:
        home: where it is noted that it is ready.
        dagster_home: the folder that describes the instance.
    """
    with file_lock(home, "dagster"):
        instance = dg.DagsterInstance.from_config(dagster_home)
        if not is_instance_ready(home, dagster_home):
            _make_tables(instance)
            note_instance_ready(home, dagster_home)
    return instance


def _make_tables(instance: dg.DagsterInstance) -> None:
    instance.get_runs_count()
    instance.event_log_storage.get_concurrency_keys()
    if instance.schedule_storage is not None:
        instance.schedule_storage.all_instigator_state()
    known = {pool.name for pool in instance.event_log_storage.get_pool_limits()}
    for name, places in POOLS.items():
        if name not in known:
            instance.event_log_storage.set_concurrency_slots(name, places)
