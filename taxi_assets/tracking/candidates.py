"""The models that may become champion: those of the stored training set that MLflow has."""

import logging
import math
from dataclasses import dataclass

from taxi_assets.errors import StoredError
from taxi_assets.storage import locations
from taxi_assets.storage.publish import Store
from taxi_assets.storage.versions import Version
from taxi_assets.tracking import tags
from taxi_assets.tracking.connection import Tracking
from taxi_assets.tracking.runs import find_runs
from taxi_assets.training.search_spaces import MODEL_NAMES

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """A trained model that was logged.

    Attributes:
        run_id: the MLflow run of its training.
        model: its name, one of `search_spaces.MODEL_NAMES`.
        rmse: in minutes, of its training fit on the validation rows.
        fit: digest of its two fits.
        new: whether it has never been compared.
    """

    run_id: str
    model: str
    rmse: float
    fit: str
    new: bool


def find_candidates(tracking: Tracking, store: Store, training_set: Version) -> list[Candidate]:
    """The stored models, and the models of the same training set that were never compared; the best first.

    A model of the second kind was replaced in the store before it was compared, as by a retraining that
    went on at the same time.

    Raises:
        StoredError: there is no model of the training set, or this MLflow has a run of none of them.
    """
    current = {name: store.current(locations.model(name)) for name in MODEL_NAMES}
    stored = {
        version.digest: name
        for name, version in current.items()
        if version is not None and version.facts["training_set"] == training_set.digest
    }
    runs = find_runs(
        tracking,
        f"tags.`{tags.TRAINING_SET}` = '{training_set.digest}' AND tags.`{tags.MODEL_URI}` LIKE 'models:/%'",
        "attributes.start_time DESC",
    )
    compared = {run.data.tags[tags.MODEL_DIGEST] for run in runs if tags.COMPARED in run.data.tags}
    found: dict[str, Candidate] = {}
    for run in runs:
        noted, rmse = run.data.tags, run.data.metrics["rmse"]
        digest = noted[tags.MODEL_DIGEST]
        new = digest not in compared
        if digest not in found and (new or digest in stored) and math.isfinite(rmse):
            found[digest] = Candidate(run.info.run_id, noted[tags.MODEL], rmse, noted[tags.FIT], new)
    if not stored and not found:
        raise StoredError("There is no model of the current training set yet: train one first, as `taxi run` does.")
    if missing := [name for digest, name in stored.items() if digest not in found]:
        message = f"{', '.join(missing)} cannot be compared: no MLflow run logged it with finite predictions"
        if not found:
            raise StoredError(f"{message}. Was another MLFLOW_TRACKING_URI set for its training? Train it again.")
        log.warning("%s", message)
    return sorted(found.values(), key=lambda candidate: candidate.rmse)
