"""Months and partition keys."""

import pytest

from taxi_assets.defs.partitions import month_of, partition_of
from taxi_assets.errors import SettingError


@pytest.mark.parametrize("month", ["2023-01", "2024-02", "2024-12"])
def test_a_month_and_its_partition_key_name_each_other(month: str) -> None:
    assert partition_of(month) == f"{month}-01"
    assert month_of(partition_of(month)) == month


@pytest.mark.parametrize("month", ["2022-12", "2199-01", "2024-13", "2024-1", "soon", ""])
def test_a_month_that_is_none_of_the_partitions_is_refused(month: str) -> None:
    with pytest.raises(SettingError, match="2023-01"):
        partition_of(month)
