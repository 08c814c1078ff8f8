"""The champion against a new model, on the same rows, of which neither side has seen any."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from taxi_assets.errors import SettingError, TaxiError
from taxi_assets.features.validation_trips import ValidationTrips
from taxi_assets.tracking.registry import LoadedVersion
from taxi_assets.training.evaluation import evaluate
from taxi_assets.training.model_files import FITS, Fit

MIN_SHARE = 0.5
"""A comparison on fewer of the validation rows would say little of the rest."""


class NotComparableError(TaxiError):
    """The two cannot be compared; the message is why."""


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        rows: the validation rows that both were judged on.
        rows_seen: those left out, since the champion's fit had seen them.
        champion_fit: the fit of the champion that was judged.
        champion_rmse, candidate_rmse: in minutes.
    """

    rows: int
    rows_seen: int
    champion_fit: Fit
    champion_rmse: float
    candidate_rmse: float

    @property
    def candidate_wins(self) -> bool:
        """Whether the new model is better."""
        return self.candidate_rmse < self.champion_rmse


def compare(champion: LoadedVersion, candidate: LoadedVersion, validation: ValidationTrips) -> Comparison:
    """Judge both on the validation trips of the candidate's training set.

    The candidate is judged by its training fit, which saw none of them. The champion is judged by the
    fit that serves, its final fit, where that saw less than half of them, and else by its training fit;
    in either case both sides only on trips that the champion's fit did not see.

    Raises:
        NotComparableError: the champion saw too many of them, predicts another target, or fails on them.
    """
    theirs, ours = champion.record.facts, candidate.record.facts
    for name in ("target", "months", "split_on_feature", "split_on_feature_value"):
        if name not in theirs:
            raise NotComparableError(f"Its record does not tell its {name}.")
    if theirs["target"] != ours["target"]:
        raise NotComparableError(f"It predicts {theirs['target']}, and the new model {ours['target']}.")
    fit, unseen = _unseen(champion, validation)
    trips = validation.trips.filter(unseen)
    truth = trips.column(ours["target"]).to_numpy()
    try:
        predictions = getattr(champion, fit).predict(trips)
    except Exception as error:  # whatever a model of another version of this package raises
        raise NotComparableError(f"It cannot predict these trips: {error}.") from error
    champion_rmse = evaluate(truth, predictions).rmse
    if not np.isfinite(champion_rmse):
        raise NotComparableError("Its predictions of these trips are not finite.")
    candidate_rmse = evaluate(truth, candidate.training_fit.predict(trips)).rmse
    return Comparison(len(trips), len(validation.months) - len(trips), fit, champion_rmse, candidate_rmse)


def _unseen(champion: LoadedVersion, validation: ValidationTrips) -> tuple[Fit, npt.NDArray[np.bool_]]:
    facts = champion.record.facts
    try:
        unseen: dict[Fit, npt.NDArray[np.bool_]] = {
            "final_fit": validation.unseen_by_final_fit(facts),
            "training_fit": validation.unseen_by_training_fit(facts),
        }
    except SettingError as error:
        raise NotComparableError(f"Which of these trips it was trained on cannot be told: {error}") from error
    for fit in reversed(FITS):
        if unseen[fit].mean() >= MIN_SHARE:
            return fit, unseen[fit]
    raise NotComparableError(
        f"It was trained on {', '.join(facts['months'])} and has seen most of the trips to be judged on."
    )
