"""The definitions, in a code location whose processes kill themselves at points: those of KILL_AT, each once.

What a process that kills itself leaves in KILL_MARKS is the name of the point.
"""

import os
from pathlib import Path

from taxi_assets.definitions import defs
from taxi_assets_tests.e2e import kill_at

__all__ = ["defs"]


def _arm(points: str, marks: Path) -> None:
    for point in points.split():
        if (marks / point).exists():
            continue

        def die_once(*_: object, mark: Path = marks / point, **__: object) -> None:
            mark.touch()
            kill_at.kill()

        kill_at.arm(point, die_once)


_arm(os.environ.get("KILL_AT", ""), Path(os.environ.get("KILL_MARKS", "")))
