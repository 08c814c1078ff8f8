"""Which events alert is a setting, and a wrong one is refused."""

import pytest

from taxi_assets.defs.events import LONGEST_VALUE, AlertFilter, one_line, read_note
from taxi_assets.errors import SettingError
from taxi_assets.settings import Settings


def filter_of(monkeypatch: pytest.MonkeyPatch, **settings: str) -> AlertFilter:
    for name, value in settings.items():
        monkeypatch.setenv(f"TAXI_{name.upper()}", value)
    return AlertFilter.of(Settings())


def test_everything_alerts_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = filter_of(monkeypatch)
    assert chosen == AlertFilter(None, frozenset({"ERROR", "WARN"}))
    assert chosen.takes(["an asset of another project"])
    assert chosen.takes([])


def test_assets_and_severities_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = filter_of(monkeypatch, alert_assets="raw_trips, champion_model", alert_severities="ERROR")
    assert chosen == AlertFilter(frozenset({"raw_trips", "champion_model"}), frozenset({"ERROR"}))
    assert chosen.takes(["clean_trips", "raw_trips"])
    assert not chosen.takes(["clean_trips"])
    assert not chosen.takes([])


@pytest.mark.parametrize("names", ["raw_trip", "raw_trips,all", ","])
def test_an_unknown_asset_is_refused_and_the_known_ones_named(names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match=r"^TAXI_ALERT_ASSETS=.*raw_trips, clean_trips, training_set"):
        filter_of(monkeypatch, alert_assets=names)


def test_a_text_becomes_one_line_of_bearable_length() -> None:
    assert one_line(" a\n b\tc\n") == "a b c"
    assert one_line("x" * LONGEST_VALUE) == "x" * LONGEST_VALUE
    assert one_line("x" * (LONGEST_VALUE + 1)) == "x" * (LONGEST_VALUE - 1) + "…"


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"since": "soon"}'])
def test_a_note_that_cannot_be_read_begins_anew(note: str, caplog: pytest.LogCaptureFixture) -> None:
    assert read_note({"runs": note}, "runs", lambda noted: noted["since"] + 1) is None
    assert "The note runs of the last look" in caplog.text
    assert read_note({"runs": '{"since": 1}'}, "runs", lambda noted: noted["since"] + 1) == 2
    assert read_note({}, "runs", lambda noted: noted) is None
