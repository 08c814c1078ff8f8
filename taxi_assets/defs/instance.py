"""The Dagster instance of a home, made ready once: two of Dagster's processes fail over making it at the same time."""

from pathlib import Path

import dagster as dg

from taxi_assets.storage.home import is_instance_ready, note_instance_ready
from taxi_assets.storage.publish import file_lock

POOLS = {"champion": 1, "training": 2}
"""Steps of a pool that go on at once: promotions do not overtake each other, and two models fill two cores."""


def make_ready(instance: dg.DagsterInstance, home: Path, dagster_home: str) -> None:
    """Make the tables of an instance and the places of its pools, if they are not there yet.

    On a new SQLite file, two of Dagster's processes fail over making the tables at once; and the first two steps
    of a new pool can both get a place where there is one.

    Args:
        instance: the instance.
        home: where it is noted that it is ready.
        dagster_home: the folder that describes the instance.
    """
    with file_lock(home, "dagster"):
        if is_instance_ready(home, dagster_home):
            return
        instance.get_runs_count()
        instance.event_log_storage.get_concurrency_keys()
        if instance.schedule_storage is not None:
            instance.schedule_storage.all_instigator_state()
        known = {pool.name for pool in instance.event_log_storage.get_pool_limits()}
        for name, places in POOLS.items():
            if name not in known:
                instance.event_log_storage.set_concurrency_slots(name, places)
        note_instance_ready(home, dagster_home)
