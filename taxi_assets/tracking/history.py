"""Which version was champion when, and the way back."""

from dataclasses import dataclass
from datetime import UTC, datetime

from taxi_assets.errors import SettingError
from taxi_assets.settings import load_settings
from taxi_assets.storage.publish import file_lock
from taxi_assets.tracking import tags
from taxi_assets.tracking.connection import REGISTERED_MODEL, Tracking
from taxi_assets.tracking.promotion import LOCK, Decision
from taxi_assets.tracking.registry import (
    RegisteredVersion,
    clear_alias,
    load_version,
    set_alias,
    version_at,
    versions,
)
from taxi_assets.tracking.runs import begin_run, end_run, find_runs, milliseconds, person

OUTSIDE = "moved outside"
"""The alias was moved in MLflow itself, or by a process that was killed before it wrote so down."""


@dataclass(frozen=True)
class Move:
    """The alias `champion` came to name another version.

    Attributes:
        at: when; None where it is not known.
        kind: a `promotion.Decision`, or `OUTSIDE`.
        version: the version that it names since.
        model: its model.
        reason: why, in a sentence.
        by: who did it.
    """

    at: datetime | None
    kind: str
    version: int
    model: str
    reason: str
    by: str


def moves(tracking: Tracking) -> list[Move]:
    """All moves of the champion, the first one first."""
    runs = find_runs(tracking, f"tags.`{tags.MOVED}` = 'true'", f"tags.`{tags.DECIDED_AT}` ASC")
    models = {version.version: version.model for version in versions(tracking)}
    found = [
        Move(
            datetime.fromtimestamp(int(run.data.tags[tags.DECIDED_AT]) / 1000, UTC),
            run.data.tags[tags.DECISION],
            int(run.data.tags[tags.VERSION]),
            models.get(int(run.data.tags[tags.VERSION]), "deleted"),
            run.data.tags[tags.REASON],
            run.data.tags.get(tags.USER, ""),
        )
        for run in runs
    ]
    champion = version_at(tracking, "champion")
    if champion is not None and (not found or found[-1].version != champion.version):
        reason = "The alias was moved in MLflow, or by a process that was killed."
        found.append(Move(None, OUTSIDE, champion.version, champion.model, reason, ""))
    return found


def rollback(tracking: Tracking, to: int | None = None) -> Move:
    """Let an earlier champion serve again.

    The versions that are left so do not become champion again by being trained again.

    Args:
        tracking: where.
        to: the number of a version; None for the champion before the present one.

    Raises:
        SettingError: there is no such version.
        StoredError, UntrustedModelError: the version cannot be loaded; the champion stays.
    """
    with file_lock(tracking.home / "mlflow", LOCK):
        present = version_at(tracking, "champion")
        known = {version.version: version for version in versions(tracking)}
        line = [version for version in _line(moves(tracking)) if version in known]
        target = _target(present, known, line, to)
        load_version(tracking, target)
        left = line[line.index(target.version) + 1 :] if target.version in line else []
        if present is not None and present.version not in left:
            left.append(present.version)
        before = f"version {present.version} ({present.model})" if present else "no version"
        reason = f"{person()} went back to version {target.version} ({target.model}) from {before}."
        noted = {
            tags.DECISION: Decision.ROLLED_BACK.value,
            tags.REASON: reason,
            tags.DESCRIPTION: reason,
            tags.VERSION: str(target.version),
        }
        run_id = begin_run(tracking, "champion rollback", noted)
        for number in left:
            tracking.client.set_model_version_tag(REGISTERED_MODEL, str(number), tags.ROLLED_BACK, run_id)
        if target.rolled_back:
            tracking.client.delete_model_version_tag(REGISTERED_MODEL, str(target.version), tags.ROLLED_BACK)
        set_alias(tracking, "champion", target.version)
        clear_alias(tracking, "challenger", target.version)
        tracking.client.set_tag(run_id, tags.DECIDED_AT, str(milliseconds()))
        tracking.client.set_tag(run_id, tags.MOVED, "true")
        end_run(tracking, run_id, "FINISHED")
    return moves(tracking)[-1]


def _target(
    present: RegisteredVersion | None, known: dict[int, RegisteredVersion], line: list[int], to: int | None
) -> RegisteredVersion:
    if not known:
        raise SettingError(f"No model is registered yet in {load_settings().mlflow_folder}: `taxi run` does that.")
    if to is None:
        earlier = [number for number in line if present is None or number != present.version]
        if not earlier:
            raise SettingError(
                f"There is no earlier champion to go back to. Versions: {', '.join(map(str, sorted(known)))}; "
                "--to names one."
            )
        return known[earlier[-1]]
    if to not in known:
        raise SettingError(f"--to {to}: there is no such version, only {', '.join(map(str, sorted(known)))}.")
    if present is not None and to == present.version:
        raise SettingError(f"--to {to}: this version is champion already.")
    return known[to]


def _line(past: list[Move]) -> list[int]:
    """The champions that led to the present one, which is the last; going back takes the later ones off."""
    line: list[int] = []
    for move in past:
        if move.version in line:
            del line[line.index(move.version) :]
        line.append(move.version)
    return line
