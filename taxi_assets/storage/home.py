"""Which source a home and a store belong to: generated and real trips never mix.

Addresses that differ in their user, password or query only count as one source: tokens change. None of these is noted.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from taxi_assets.addresses import shown
from taxi_assets.errors import SettingError
from taxi_assets.settings import Settings
from taxi_assets.storage.publish import Store, file_lock, replace_text

OWNER = "source"
INSTANCES = "dagster-instances"


def claim_home(settings: Settings) -> None:
    """Make the home's folder, and note the source that it belongs to.

    Raises:
        SettingError: the home belongs to another source or service, or cannot be written.
    """
    owner = settings.home / f"{OWNER}.json"
    try:
        with file_lock(settings.home, OWNER):
            if not owner.exists():
                replace_text(owner, json.dumps(_owner(settings)))
        text = owner.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SettingError(f"TAXI_HOME={settings.home} cannot be used: {error.strerror or error}.") from error
    try:
        theirs = json.loads(text)
        _require_same(f"TAXI_HOME={settings.home}", theirs, settings)
    except (ValueError, KeyError, TypeError) as error:
        raise SettingError(f"{owner} is damaged: delete it if the home is yours, or name another TAXI_HOME.") from error


def claim_store(store: Store, settings: Settings) -> None:
    """Note in a store the source that it belongs to: two homes may share one store.

    Raises:
        SettingError: the store belongs to another source or service, or cannot be written.
    """
    try:
        version = store.current(OWNER)
        if version is None:
            with store.draft(OWNER) as draft:
                # Another process may have claimed it while this one waited for the lock.
                if (claimed := store.current(OWNER)) is not None:
                    _require_same(f"TAXI_STORAGE_URI={settings.storage}", claimed.facts, settings)
                (draft.folder / f"{OWNER}.json").write_text(json.dumps(_owner(settings)), encoding="utf-8")
                draft.facts.update(_owner(settings))
            version = draft.published
    except (NotADirectoryError, PermissionError, FileExistsError) as error:
        reason = error.strerror or error
        raise SettingError(f"TAXI_STORAGE_URI={settings.storage} cannot be used: {reason}.") from error
    _require_same(f"TAXI_STORAGE_URI={settings.storage}", version.facts, settings)


def is_instance_ready(home: Path, dagster_home: str) -> bool:
    """Whether it is noted in a home that the Dagster instance which a folder describes was made ready."""
    marker = home / INSTANCES
    return marker.exists() and dagster_home in marker.read_text(encoding="utf-8").splitlines()


def note_instance_ready(home: Path, dagster_home: str) -> None:
    """Note it."""
    with (home / INSTANCES).open("a", encoding="utf-8") as marker:
        marker.write(f"{dagster_home}\n")


def _owner(settings: Settings) -> dict[str, str]:
    return {"trips_uri": shown(settings.trips_uri), "service": settings.service}


def _require_same(place: str, theirs: Mapping[str, str], settings: Settings) -> None:
    ours = _owner(settings)
    # Earlier versions noted the address in full.
    theirs = {**theirs, "trips_uri": shown(theirs["trips_uri"])}
    if theirs != ours:
        variable = place.partition("=")[0]
        raise SettingError(
            f"{place} holds {theirs['service']} trips from {theirs['trips_uri']}, and this is "
            f"{ours['service']} from {ours['trips_uri']}. Name another place in {variable}, unset it, "
            "or set TAXI_TRIPS_URI and TAXI_SERVICE back."
        )
