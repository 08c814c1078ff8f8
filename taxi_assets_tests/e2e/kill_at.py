"""`python -m taxi_assets_tests.e2e.kill_at POINT ARGUMENT …`: runs `taxi`, and kills it at a named point."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Die = Callable[..., Any]


def kill(*_: Any, **__: Any) -> None:
    """SIGKILL to this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def while_a_month_is_fetched(die: Die) -> None:
    from taxi_assets.trips.source import FileSource

    def half_of(self: FileSource, month: str, path: Path) -> str:
        data = Path(self._locate(month)[0]).read_bytes()
        path.write_bytes(data[: len(data) // 2])
        die()
        raise AssertionError

    FileSource._download = half_of  # type: ignore[method-assign]


def while_a_training_set_is_written(die: Die) -> None:
    import numpy as np

    save, saved = np.save, []

    def save_four(*arguments: Any, **options: Any) -> None:
        save(*arguments, **options)
        saved.append(arguments)
        if len(saved) == 4:
            die()

    np.save = save_four  # type: ignore[assignment]


def before_a_pointer_is_replaced(die: Die) -> None:
    from taxi_assets.storage import publish

    replace_text = publish.replace_text

    def die_at_the_training_set(path: Path, text: str) -> None:
        if path.parent.name == "training_set":
            die()
        replace_text(path, text)

    publish.replace_text = die_at_the_training_set


def while_a_model_is_fitted(die: Die) -> None:
    import xgboost

    train, fits = xgboost.train, []

    def die_at_the_second_fit(*arguments: Any, **options: Any) -> Any:
        fits.append(arguments)
        if len(fits) == 2:
            die()
        return train(*arguments, **options)

    xgboost.train = die_at_the_second_fit


def before_the_champion_is_named(die: Die) -> None:
    from taxi_assets.tracking import promotion

    promotion.set_alias = die


def before_the_decision_is_written_down(die: Die) -> None:
    from taxi_assets.tracking import promotion

    promotion._write_down = die


POINTS: dict[str, Callable[[Die], None]] = {
    point.__name__: point
    for point in (
        while_a_month_is_fetched,
        while_a_training_set_is_written,
        before_a_pointer_is_replaced,
        while_a_model_is_fitted,
        before_the_champion_is_named,
        before_the_decision_is_written_down,
    )
}


def arm(point: str, die: Die) -> None:
    """Let this process die at a point."""
    POINTS[point](die)


if __name__ == "__main__":
    point, *arguments = sys.argv[1:]
    arm(point, kill)
    sys.argv = ["taxi", *arguments]
    from taxi_assets.cli import main

    main()
