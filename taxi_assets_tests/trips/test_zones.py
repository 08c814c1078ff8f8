"""The table of taxi zones."""

from pathlib import Path

import pandas as pd
import pytest

from taxi_assets.trips.zones import is_zone, zones


def test_there_are_265_zones_by_id() -> None:
    assert [zone.id for zone in zones()] == list(range(1, 266))


@pytest.mark.real_data
def test_the_table_is_that_of_the_commission(real_data: Path) -> None:
    published = pd.read_csv(real_data / "taxi_zone_lookup.csv", keep_default_na=False)
    expected = list(published[["LocationID", "Borough", "Zone"]].itertuples(index=False, name=None))
    assert [(zone.id, zone.borough, zone.name) for zone in zones()] == expected


@pytest.mark.parametrize("id_", ["1", "65", "265"])
def test_the_ids_of_zones_are_known(id_: str) -> None:
    assert is_zone(id_)


@pytest.mark.parametrize(
    "id_", ["", "0", "266", "-1", "1.0", " 1", "x", "²", "\u0661", pytest.param("9" * 5_000, id="long")]
)
def test_other_text_is_no_zone(id_: str) -> None:
    assert not is_zone(id_)
