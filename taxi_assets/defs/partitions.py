"""How assets are partitioned: by month, and by scikit-learn class."""

import dagster as dg

from taxi_assets.errors import SettingError
from taxi_assets.settings import load_settings
from taxi_assets.training.search_spaces import SKLEARN_CLASSES

MONTHS = dg.MonthlyPartitionsDefinition(start_date=f"{load_settings().first_month}-01")

CLASSES = dg.StaticPartitionsDefinition(list(SKLEARN_CLASSES))


def month_of(partition_key: str) -> str:
    """The month (`2024-01`) of a partition key (`2024-01-01`)."""
    return partition_key.removesuffix("-01")


def partition_of(month: str) -> str:
    """The partition key of a month.

    Raises:
        SettingError: the month lies before the first month, or has not ended yet.
    """
    key = f"{month}-01"
    if not MONTHS.has_partition_key(key):
        first, last = MONTHS.get_first_partition_key(), MONTHS.get_last_partition_key()
        raise SettingError(
            f"{month} is not among the months {month_of(first or '')} to {month_of(last or '')}: "
            "TAXI_FIRST_MONTH sets the first, and the last is the month that ended last."
        )
    return key
