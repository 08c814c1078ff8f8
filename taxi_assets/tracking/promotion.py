"""Which model serves: the best new model against the champion, and the alias that moves only for a win."""

import logging
import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from taxi_assets.errors import StoredError, TaxiError, TrackingError
from taxi_assets.features.validation_trips import ValidationTrips
from taxi_assets.storage import locations
from taxi_assets.storage.publish import Store, file_lock
from taxi_assets.storage.versions import Version
from taxi_assets.tracking import tags
from taxi_assets.tracking.candidates import Candidate, find_candidates
from taxi_assets.tracking.comparison import Comparison, NotComparableError, compare
from taxi_assets.tracking.connection import Tracking
from taxi_assets.tracking.registry import (
    LoadedVersion,
    RegisteredVersion,
    clear_alias,
    load_version,
    register,
    set_alias,
    version_at,
    versions,
)
from taxi_assets.tracking.runs import milliseconds
from taxi_assets.training.evaluation import evaluate

log = logging.getLogger(__name__)

LOCK = "promotion"


class Decision(StrEnum):
    """What came of a comparison, or of a rollback."""

    FIRST = "first"
    WON = "won"
    RESTORED = "restored"
    SAME = "same"
    LOST = "lost"
    NOT_COMPARABLE = "not comparable"
    NOTHING_NEW = "nothing new"
    ROLLED_BACK = "rolled back"


MOVING = (Decision.FIRST, Decision.WON, Decision.RESTORED)
"""The alias moves to the new version."""


@dataclass(frozen=True)
class Promotion:
    """What was decided, and why.

    Attributes:
        decision: what came of it.
        reason: in a sentence.
        champion: the version that serves now.
        champion_rmse: its RMSE in minutes on the rows of the comparison; None where it could not be judged.
        candidate: the version of the best new model; None where there is none.
        candidates: all models that were compared, the best first.
        comparison: how the best of them and the champion before were compared, where they were.
    """

    decision: Decision
    reason: str
    champion: RegisteredVersion
    champion_rmse: float | None
    candidate: RegisteredVersion | None
    candidates: list[Candidate]
    comparison: Comparison | None = None


def promote(tracking: Tracking, store: Store, run_id: str) -> Promotion:
    """Compare the models of the stored training set with the champion, and let the better one serve.

    The candidates are the stored models, and beside them every model that was trained on the same set
    and never compared: a retraining that goes on at the same time may have replaced it in the store.

    Args:
        tracking: where the models were logged, and the registry.
        store: where the training set and the models are.
        run_id: the MLflow run that the decision is written to.

    Raises:
        StoredError: there is no model of the training set, MLflow has a run of none, or the best one is not what
            was logged.
    """
    with file_lock(tracking.home / "mlflow", LOCK):
        promotion = store.read_verified(
            locations.TRAINING_SET, lambda folder, version: _decide(tracking, store, folder, version)
        )
        if promotion.candidate is not None:
            if promotion.decision in MOVING:
                set_alias(tracking, "champion", promotion.candidate.version)
                clear_alias(tracking, "challenger", promotion.candidate.version)
            elif promotion.decision is not Decision.SAME:
                set_alias(tracking, "challenger", promotion.candidate.version)
        _write_down(tracking, run_id, promotion)
    log.info("%s", promotion.reason)
    return promotion


def last_decision(tracking: Tracking) -> tuple[str, str]:
    """What the last comparison decided, and why.

    Raises:
        StoredError: there was none.
    """
    runs = tracking.client.search_runs(
        [tracking.experiment_id],
        f"tags.`{tags.REASON}` LIKE '%' AND tags.`{tags.ASSET}` = 'champion_model'",
        order_by=[f"tags.`{tags.DECIDED_AT}` DESC"],
        max_results=1,
    )
    if not runs:
        raise StoredError("No comparison has been made yet: materialise champion_model first.")
    return runs[0].data.tags[tags.DECISION], runs[0].data.tags[tags.REASON]


def _decide(tracking: Tracking, store: Store, folder: Path, training_set: Version) -> Promotion:
    candidates = find_candidates(tracking, store, training_set)
    present = version_at(tracking, "champion")
    taken_back = {version.fit for version in versions(tracking) if version.rolled_back}
    eligible = [candidate for candidate in candidates if candidate.fit not in taken_back]
    if not eligible:
        if present is None:
            raise StoredError("All models were rolled back, and no version is champion: name one with --to.")
        reason = f"Version {present.version} ({present.model}) stays champion: what was trained had been rolled back."
        return Promotion(Decision.NOTHING_NEW, reason, present, None, None, candidates)
    best = eligible[0]
    passed_over = [candidate.model for candidate in candidates if candidate.rmse < best.rmse]
    aside = f" {' and '.join(passed_over)}, better still, had been rolled back." if passed_over else ""
    version = register(tracking, best.run_id)
    loaded = load_version(tracking, version)
    validation = ValidationTrips.load(folder)
    rmse = _judge(loaded, validation, best, version)
    new = f"{version.version} ({best.model}, RMSE {rmse:.4f})"
    if present is None:
        reason = f"Version {new} is champion: there was none.{aside}"
        return Promotion(Decision.FIRST, reason, version, rmse, version, candidates)
    if present.version == version.version:
        reason = f"Version {new} stays champion: it is the best of what was trained again.{aside}"
        return Promotion(Decision.SAME, reason, present, rmse, version, candidates)
    if (present.fit, present.source) == (version.fit, version.source):
        reason = f"Version {new} is champion: the same model as version {present.version}, whose files are damaged."
        return Promotion(Decision.RESTORED, reason, version, rmse, version, candidates)
    try:
        if present.source != tracking.source_id:
            raise NotComparableError(
                f"It was trained on trips of {present.source or 'an unknown source'}, not of {tracking.source_id}."
            )
        found = compare(load_version(tracking, present), loaded, validation)
    except TaxiError as error:
        if isinstance(error, TrackingError):
            raise
        reason = (
            f"Version {present.version} ({present.model or 'unknown'}) stays champion, and version {new} is "
            f"challenger, since the two cannot be compared. {error} "
            "`taxi champion rollback --to` lets a version serve that you name."
        )
        return Promotion(Decision.NOT_COMPARABLE, reason, present, None, version, candidates)
    on = f"on {found.rows:,} trips that neither has seen"
    if found.candidate_wins:
        reason = (
            f"Version {version.version} ({best.model}) is champion: RMSE {found.candidate_rmse:.4f} against "
            f"{found.champion_rmse:.4f} of version {present.version} ({present.model}), {on}.{aside}"
        )
        return Promotion(Decision.WON, reason, version, found.candidate_rmse, version, candidates, found)
    reason = (
        f"Version {present.version} ({present.model}) stays champion: RMSE {found.champion_rmse:.4f} against "
        f"{found.candidate_rmse:.4f} of version {version.version} ({best.model}), the challenger, {on}.{aside}"
    )
    return Promotion(Decision.LOST, reason, present, found.champion_rmse, version, candidates, found)


def _judge(
    loaded: LoadedVersion, validation: ValidationTrips, candidate: Candidate, version: RegisteredVersion
) -> float:
    """The RMSE of a new model on all validation trips, which must be the one that was logged."""
    truth = validation.trips.column(loaded.record.facts["target"]).to_numpy()
    rmse = evaluate(truth, loaded.training_fit.predict(validation.trips)).rmse
    if not math.isclose(rmse, candidate.rmse, rel_tol=1e-6):
        raise StoredError(
            f"Version {version.version} ({candidate.model}) has an RMSE of {rmse} on the validation rows, and "
            f"{candidate.rmse} was logged: it is not the model that was trained. Train it again."
        )
    return rmse


def _write_down(tracking: Tracking, run_id: str, promotion: Promotion) -> None:
    """Note the decision in its run, and in the runs of the models that they were compared."""
    from mlflow.entities import Metric, Param, RunTag

    now = milliseconds()
    noted = {
        tags.DECISION: promotion.decision.value,
        tags.REASON: promotion.reason,
        tags.DESCRIPTION: promotion.reason,
        tags.DECIDED_AT: str(now),
    }
    if promotion.decision in MOVING:
        noted[tags.MOVED] = "true"
    noted[tags.VERSION] = str(promotion.champion.version)
    metrics = {candidate.model: candidate.rmse for candidate in reversed(promotion.candidates)}
    if promotion.champion_rmse is not None:
        metrics["champion"] = promotion.champion_rmse
    tracking.client.log_batch(
        run_id,
        metrics=[Metric(f"rmse.{name}", value, now, 0) for name, value in metrics.items()],
        params=[
            Param("champion_version", str(promotion.champion.version)),
            Param("champion", promotion.champion.model),
        ],
        tags=[RunTag(name, value) for name, value in noted.items()],
    )
    for candidate in promotion.candidates:
        if candidate.new:
            tracking.client.set_tag(candidate.run_id, tags.COMPARED, run_id)
