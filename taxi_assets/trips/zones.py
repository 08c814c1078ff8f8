"""The 265 taxi zones of the Taxi and Limousine Commission: id, borough and name."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Zone:
    """A taxi zone. Zones 264 and 265 stand for places that are unknown or outside the city."""

    id: int
    borough: str
    name: str


@cache
def zones() -> tuple[Zone, ...]:
    """All zones, by id."""
    text = files("taxi_assets.trips").joinpath("zones.csv").read_text(encoding="utf-8")
    return tuple(Zone(int(row["id"]), row["borough"], row["zone"]) for row in csv.DictReader(text.splitlines()))


def is_zone(id_: str) -> bool:
    """Whether an id, as text, is that of a zone."""
    return any(id_ == str(zone.id) for zone in zones())
