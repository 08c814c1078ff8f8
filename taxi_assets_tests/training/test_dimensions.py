"""The bounds of a search can be changed, and what is drawn keeps to them."""

from typing import Any

import numpy as np
import pytest
from hyperopt.pyll.stochastic import sample
from hypothesis import given, settings
from hypothesis import strategies as st

from taxi_assets.errors import SettingError
from taxi_assets.training.dimensions import Choice, LogUniform, Space, Uniform, Whole, bounds_of, with_bounds
from taxi_assets.training.search_spaces import SKLEARN_CLASSES, XGBOOST

SPACE: Space = {
    "share": Uniform(0.1, 0.9),
    "rate": LogUniform(0.01, 1.0),
    "depth": Whole(1, 9),
    "rounds": Whole(500, 1000, 10),
    "kind": Choice(("a", "b")),
}

NARROWER = {"share": [0.2, 0.3], "rate": [0.5, 0.6], "depth": [3, 4], "rounds": [600, 630]}
WIDER = {"share": [0.0, 5.0], "rate": [1e-9, 50.0], "depth": [1, 100], "rounds": [10, 2000]}

MODELS = [*SKLEARN_CLASSES.values(), XGBOOST]


def draws(space: Space, name: str, count: int = 200) -> list[Any]:
    expression = space[name].expression(name)
    return [sample(expression, np.random.default_rng(seed)) for seed in range(count)]


def test_the_bounds_of_a_space_are_those_of_its_ranges() -> None:
    assert bounds_of(SPACE) == {"share": [0.1, 0.9], "rate": [0.01, 1.0], "depth": [1, 9], "rounds": [500, 1000]}


def test_a_space_of_choices_has_no_bounds() -> None:
    assert bounds_of({"kind": Choice(("a", "b"))}) == {}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_space_with_its_own_bounds_is_the_same_space(model: Any) -> None:
    assert with_bounds(model.space, bounds_of(model.space)) == model.space


def test_only_the_named_parameters_have_other_bounds() -> None:
    changed = with_bounds(SPACE, {"depth": [2, 4]})
    assert bounds_of(changed) == bounds_of(SPACE) | {"depth": [2, 4]}
    assert changed["kind"] == SPACE["kind"]
    assert list(changed) == list(SPACE)


def test_the_space_itself_stays_as_it_was() -> None:
    before = bounds_of(SPACE)
    with_bounds(SPACE, NARROWER)
    assert bounds_of(SPACE) == before


def test_steps_and_kinds_stay() -> None:
    changed = with_bounds(SPACE, NARROWER)
    assert changed["rounds"] == Whole(600, 630, 10)
    assert changed["rate"] == LogUniform(0.5, 0.6)
    assert changed["share"] == Uniform(0.2, 0.3)


def test_whole_bounds_may_be_written_as_numbers_with_a_point() -> None:
    changed = with_bounds(SPACE, {"rounds": [600.0, 700.0]})
    assert {type(bound) for bound in bounds_of(changed)["rounds"]} == {int}
    assert {type(value) for value in draws(changed, "rounds", 5)} == {int}


def test_bounds_of_real_numbers_may_be_written_without_a_point() -> None:
    assert repr(with_bounds(SPACE, {"share": [0, 1]})["share"]) == repr(Uniform(0.0, 1.0))


@pytest.mark.parametrize("bounds", [NARROWER, WIDER], ids=["narrower", "wider"])
@pytest.mark.parametrize("name", NARROWER)
def test_what_is_drawn_lies_within_changed_bounds_and_reaches_from_end_to_end(
    name: str, bounds: dict[str, list[float]]
) -> None:
    low, high = bounds[name]
    drawn = draws(with_bounds(SPACE, bounds), name)
    assert low <= min(drawn)
    assert max(drawn) <= high
    scale = np.log if name == "rate" else float
    assert scale(max(drawn)) - scale(min(drawn)) > 0.9 * (scale(high) - scale(low))


@given(st.integers(1, 200), st.integers(1, 20), st.sampled_from([1, 2, 5, 10, 100]), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_whole_numbers_are_drawn_in_steps_within_any_bounds(low: int, steps: int, step: int, seed: int) -> None:
    bounds = [low * step, (low + steps) * step]
    changed = with_bounds({"n": Whole(step, 2 * step, step)}, {"n": bounds})
    value = sample(changed["n"].expression("n"), np.random.default_rng(seed))
    assert isinstance(value, int)
    assert value in range(bounds[0], bounds[1] + 1, step)


@pytest.mark.parametrize("name", ["weather", "kind", ""])
def test_a_parameter_without_bounds_is_refused_and_those_with_bounds_are_named(name: str) -> None:
    with pytest.raises(SettingError, match=f"^space: '{name}' has no bounds.*: share, rate, depth, rounds"):
        with_bounds(SPACE, {name: [1, 2]})


def test_where_no_parameter_has_bounds_that_is_said() -> None:
    with pytest.raises(SettingError, match=r"'fit_intercept' has no bounds.*none"):
        with_bounds(SKLEARN_CLASSES["linear_model.LinearRegression"].space, {"fit_intercept": [0, 1]})


@pytest.mark.parametrize(
    ("name", "bounds", "advice"),
    [
        ("share", [], "give two numbers, the lowest and the highest value"),
        ("share", [0.5], "give two numbers, the lowest and the highest value"),
        ("depth", [1, 2, 3], "give two numbers, the lowest and the highest value"),
        ("share", [0.1, float("nan")], "give two numbers"),
        ("rate", [float("nan"), 0.5], "give two numbers"),
        ("rounds", [500, float("inf")], "give two numbers"),
        ("share", [float("-inf"), 1], "give two numbers"),
        ("share", [0.5, 0.5], "the lowest value must be under the highest"),
        ("depth", [4, 4], "the lowest value must be under the highest"),
        ("rate", [0.9, 0.1], "the lowest value must be under the highest"),
        ("rate", [0, 0.5], "the lowest value must be above 0"),
        ("rate", [-1, 0.5], "the lowest value must be above 0"),
        ("rounds", [500, 605], "give multiples of 10"),
        ("rounds", [501, 600], "give multiples of 10"),
        ("depth", [1.5, 3], "give multiples of 1"),
        ("depth", [1, 3.5], "give multiples of 1"),
    ],
)
def test_impossible_bounds_are_refused_by_name_and_with_advice(name: str, bounds: list[float], advice: str) -> None:
    with pytest.raises(SettingError) as refusal:
        with_bounds(SPACE, NARROWER | {name: bounds})
    assert str(refusal.value).startswith(f"space: {name}={bounds}: ")
    assert advice in str(refusal.value)
    assert "\n" not in str(refusal.value)
