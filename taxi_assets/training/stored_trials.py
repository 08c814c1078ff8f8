"""The stored trials of a model's last search: what was tried need not be tried again."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from taxi_assets.errors import StoredError
from taxi_assets.storage import locations
from taxi_assets.storage.publish import Store
from taxi_assets.storage.versions import Version
from taxi_assets.training.tuning import Trial

log = logging.getLogger(__name__)

FILE = "trials.json"


class StoredTrials:
    """Remembers the trials of one model's last search, after each of them, in the store.

    Args:
        store: where they are kept.
        name: the model's name.
    """

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.name = name
        self.key = locations.trials(name)

    def recall(self, search: Mapping[str, Any]) -> list[Trial]:
        """The trials of the search that is described, in their order; empty where the stored ones are of another."""
        try:
            if self.store.current(self.key) is None:
                return []
            stored, trials = self.store.read_verified(self.key, _read)
        except StoredError as error:
            log.warning("%s: its earlier trials cannot be read, and are made again: %s", self.name, error)
            return []
        return trials if stored == _plain(search) else []

    def keep(self, search: Mapping[str, Any], trials: list[Trial]) -> None:
        """Store all trials that a search has so far; more of the same search are not replaced by fewer."""
        if len(self.recall(search)) >= len(trials):
            return
        content = {"search": _plain(search), "trials": [asdict(trial) for trial in trials]}
        with self.store.draft(self.key) as draft:
            (draft.folder / FILE).write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")


def _read(folder: Path, version: Version) -> tuple[Any, list[Trial]]:
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return content["search"], [Trial(**trial) for trial in content["trials"]]
    except (ValueError, KeyError, TypeError) as error:
        raise StoredError(f"{folder / FILE} ({version.folder}) holds no trials: {error}.") from error


def _plain(search: Mapping[str, Any]) -> Any:
    """A description as it is when it was written and read again."""
    return json.loads(json.dumps(search))
