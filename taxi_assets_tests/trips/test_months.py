"""Months as text."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxi_assets.errors import SettingError
from taxi_assets.trips.months import first_day, month_before, month_range, next_month, parse_months

MONTHS = st.dates(date(2009, 1, 1), date(2099, 12, 31)).map(lambda day: f"{day:%Y-%m}")


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("2024-01", ["2024-01"]),
        ("2023-11:2024-02", ["2023-11", "2023-12", "2024-01", "2024-02"]),
        ("2024-03,2024-01", ["2024-01", "2024-03"]),
        ("2024-01:2024-02, 2024-02", ["2024-01", "2024-02"]),
        ("2024-01:2024-01", ["2024-01"]),
    ],
)
def test_months_are_read_in_order_and_each_once(text: str, months: list[str]) -> None:
    assert parse_months(text) == months


@pytest.mark.parametrize(
    "text", ["", ",", "2024", "2024-1", "2024-00", "2024-13", "24-01", "2024-01-01", "January", ":2024-01"]
)
def test_text_that_is_not_a_month_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="is not a month"):
        parse_months(text)


@given(MONTHS)
def test_the_month_before_the_next_one_is_the_month(month: str) -> None:
    assert month_before(next_month(month)) == month


@pytest.mark.parametrize("month", ["٢٠٢٤-01", "2024-01\n"])
def test_only_plain_digits_make_a_month(month: str) -> None:
    with pytest.raises(SettingError, match="is not a month"):
        month_range(month, month)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(SettingError, match="2024-02:2024-01"):
        parse_months("2024-02:2024-01")


def test_the_month_after_december_is_january() -> None:
    assert next_month("2023-12") == "2024-01"


def test_the_first_day_of_a_month() -> None:
    assert first_day("2024-02") == date(2024, 2, 1)


@given(MONTHS, MONTHS)
def test_a_range_has_every_month_between_its_ends(one: str, other: str) -> None:
    first, last = sorted([one, other])
    months = month_range(first, last)
    years, numbers = (int(last[part]) - int(first[part]) for part in (slice(4), slice(5, 7)))
    assert months == sorted(set(months))
    assert (months[0], months[-1], len(months)) == (first, last, 12 * years + numbers + 1)
