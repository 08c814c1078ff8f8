"""Which months of a source are taken, and when again."""

from datetime import UTC, datetime, timedelta

import pytest

from taxi_assets.trips.new_months import Attempts, first_look, next_attempt, wanted_months

NOW = datetime(2024, 3, 15, 12, tzinfo=UTC)
YEAR = {f"2023-{number:02d}": "a" for number in range(1, 13)}


def _failed(made: int, ended: datetime = NOW, passing: bool = True) -> Attempts:
    return Attempts(made=made, last="a run" if made else None, last_ended=ended, in_progress=False, passing=passing)


def test_the_first_look_takes_the_newest_months_only() -> None:
    assert wanted_months(YEAR, {}, first_look(YEAR, (), newest=2)) == ["2023-11", "2023-12"]


@pytest.mark.parametrize("newest", [12, 13])
def test_the_first_look_at_a_short_history_takes_all_of_it(newest: int) -> None:
    assert first_look(YEAR, (), newest) == set()


def test_the_first_look_does_not_ignore_what_is_known() -> None:
    assert "2023-03" not in first_look(YEAR, {"2023-03"}, newest=2)


def test_a_month_that_appears_is_wanted() -> None:
    ignored = first_look(YEAR, (), newest=2)
    stored = {"2023-11": "a", "2023-12": "a"}
    assert wanted_months(YEAR | {"2024-01": "b"}, stored, ignored) == ["2024-01"]


def test_an_old_month_that_appears_late_is_wanted() -> None:
    ignored = first_look(YEAR, (), newest=2)
    assert wanted_months({"2022-12": "b"} | YEAR, {"2023-11": "a", "2023-12": "a"}, ignored) == ["2022-12"]


def test_a_stored_month_is_wanted_when_it_changed_and_not_otherwise() -> None:
    assert wanted_months({"2024-01": "a", "2024-02": "b"}, {"2024-01": "a", "2024-02": "a"}, set()) == ["2024-02"]


def test_an_ignored_month_that_changes_stays_ignored() -> None:
    assert wanted_months({"2023-01": "b"}, {}, {"2023-01"}) == []


def test_an_ignored_month_that_somebody_took_is_followed() -> None:
    assert wanted_months({"2023-01": "b"}, {"2023-01": "a"}, {"2023-01"}) == ["2023-01"]


def test_a_stored_month_that_the_source_lost_is_left_alone() -> None:
    assert wanted_months({}, {"2024-01": "a"}, set()) == []


def test_wanted_months_come_in_order() -> None:
    assert wanted_months({"2024-02": "a", "2023-12": "a", "2024-01": "a"}, {}, ()) == ["2023-12", "2024-01", "2024-02"]


def test_the_first_attempt_comes_at_once() -> None:
    assert next_attempt(Attempts(made=0, last=None, last_ended=None, in_progress=False, passing=False), NOW) == NOW


def test_pauses_double_up_to_six_hours() -> None:
    pauses = [next_attempt(_failed(made), NOW) for made in (1, 2, 3, 4, 9, 10, 1_000)]
    assert pauses == [NOW + timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 256, 360, 360)]


def test_a_pause_counts_from_the_end_of_the_last_attempt() -> None:
    assert next_attempt(_failed(3, NOW - timedelta(minutes=3)), NOW) == NOW + timedelta(minutes=1)


def test_an_attempt_that_is_due_comes_at_once() -> None:
    assert next_attempt(_failed(3, NOW - timedelta(days=1)), NOW) == NOW


def test_a_fault_that_does_not_pass_is_not_tried_again() -> None:
    assert next_attempt(_failed(1, passing=False), NOW) is None


@pytest.mark.parametrize("made", [1, 2])
def test_nothing_is_tried_while_an_attempt_is_in_progress(made: int) -> None:
    before = NOW - timedelta(days=1) if made > 1 else None
    assert next_attempt(Attempts(made, "a run", before, in_progress=True, passing=True), NOW) is None
