"""What a search may draw for one parameter. Bounds are values, not logarithms, so that people can set them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taxi_assets.errors import SettingError


@dataclass(frozen=True)
class Uniform:
    """Any number from `low` to `high`, all equally likely; a model takes those from `least` to `most`."""

    low: float
    high: float
    least: float = 0.0
    most: float = math.inf

    def expression(self, name: str) -> Any:
        """The dimension as hyperopt's."""
        from hyperopt import hp

        return hp.uniform(name, self.low, self.high)


@dataclass(frozen=True)
class LogUniform:
    """Any number from `low`, above 0, to `high`; their logarithms are equally likely."""

    low: float
    high: float

    def expression(self, name: str) -> Any:
        """The dimension as hyperopt's."""
        from hyperopt import hp

        return hp.loguniform(name, math.log(self.low), math.log(self.high))


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`, both multiples of `step`; a model takes those from `least`."""

    low: int
    high: int
    step: int = 1
    least: int = 1

    def expression(self, name: str) -> Any:
        """The dimension as hyperopt's."""
        from hyperopt import hp
        from hyperopt.pyll import scope

        return scope.int(hp.quniform(name, self.low, self.high, self.step))


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    options: tuple[Any, ...]

    def expression(self, name: str) -> Any:
        """The dimension as hyperopt's."""
        from hyperopt import hp

        return hp.choice(name, list(self.options))


Range = Uniform | LogUniform | Whole
Space = Mapping[str, Range | Choice]
Bounds = Mapping[str, Sequence[float]]
"""The lowest and the highest value of parameters, by name."""


def bounds_of(space: Space) -> dict[str, list[float]]:
    """The bounds of each parameter that has some."""
    return {name: [found.low, found.high] for name, found in space.items() if not isinstance(found, Choice)}


def with_bounds(space: Space, bounds: Bounds) -> Space:
    """A space with other bounds for the parameters that are named.

    Raises:
        SettingError: a parameter is unknown or its bounds are impossible; it is named.
    """
    return {**space, **{name: _bounded(name, space, found) for name, found in bounds.items()}}


def _bounded(name: str, space: Space, bounds: Sequence[float]) -> Range:
    known = bounds_of(space)
    dimension = space.get(name)
    if dimension is None or isinstance(dimension, Choice):
        raise SettingError(f"space: {name!r} has no bounds here: these parameters have: {', '.join(known) or 'none'}.")
    setting = f"space: {name}={list(bounds)}"
    if len(bounds) != 2 or not all(math.isfinite(bound) for bound in bounds):
        raise SettingError(f"{setting}: give two numbers, the lowest and the highest value.")
    low, high = bounds
    if low >= high:
        raise SettingError(f"{setting}: the lowest value must be under the highest.")
    if isinstance(dimension, LogUniform) and low <= 0:
        raise SettingError(f"{setting}: its logarithm is drawn, so that the lowest value must be above 0.")
    if not isinstance(dimension, LogUniform) and low < dimension.least:
        raise SettingError(f"{setting}: the model takes no value under {dimension.least}.")
    if isinstance(dimension, Uniform) and high > dimension.most:
        raise SettingError(f"{setting}: the model takes no value above {dimension.most}.")
    if isinstance(dimension, Whole):
        if low % dimension.step or high % dimension.step:
            raise SettingError(f"{setting}: give multiples of {dimension.step}.")
        return replace(dimension, low=int(low), high=int(high))
    return replace(dimension, low=float(low), high=float(high))
