"""Months as text (`2024-01`), one by one and in ranges."""

import re
from datetime import date

from taxi_assets.errors import SettingError
from taxi_assets.settings import MONTH_PATTERN

DEFAULT_MONTHS = 2
"""A training set takes the newest two where none are named: one trains, one validates."""


def parse_months(text: str) -> list[str]:
    """The months that `2024-01`, `2024-01:2024-03` or `2024-01,2024-03` name, in order, each once.

    Raises:
        SettingError: the text is not of that form, or a range ends before it begins.
    """
    months: set[str] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition(":")
        months.update(month_range(first, last or first))
    return sorted(months)


def month_range(first: str, last: str) -> list[str]:
    """All months from the first to the last, both included.

    Raises:
        SettingError: one is not a month, or the last comes before the first.
    """
    for month in (first, last):
        if not re.fullmatch(MONTH_PATTERN, month):
            raise SettingError(f"{month!r} is not a month: write it as 2024-01, and a range as 2024-01:2024-03.")
    if last < first:
        raise SettingError(f"The months {first}:{last} end before they begin.")
    months = [first]
    while months[-1] != last:
        months.append(next_month(months[-1]))
    return months


def next_month(month: str) -> str:
    """The month after a month."""
    year, number = map(int, month.split("-"))
    return f"{year + number // 12}-{number % 12 + 1:02d}"


def month_before(month: str) -> str:
    """The month before a month."""
    year, number = map(int, month.split("-"))
    return f"{year - (number == 1)}-{(number - 2) % 12 + 1:02d}"


def first_day(month: str) -> date:
    """The first day of a month."""
    return date.fromisoformat(f"{month}-01")
