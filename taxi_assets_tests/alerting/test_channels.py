"""The channels of TAXI_ALERT_URLS."""

import logging

import pytest

from taxi_assets.alerting import channels
from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.channels import open_channels
from taxi_assets.errors import SettingError
from taxi_assets_tests.alerting.events import failed_check

THREE = ("json://one.example.com", "json://two.example.com/a,b", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")


@pytest.mark.parametrize("separator", [" ", "\n", ",", ", ", " , ", "\t \n"])
def test_addresses_have_spaces_or_commas_between(separator: str) -> None:
    names = [channel.name.partition("#")[0] for channel in open_channels(f" {separator.join(THREE)}\n")]
    assert names == ["json://one.example.com", "json://two.example.com", "slack"]


def test_an_address_that_is_named_twice_is_one_channel() -> None:
    assert len(open_channels(f"{THREE[0]} {THREE[0]}")) == 1


@pytest.mark.parametrize("wrong", ["hush-hush", "nosuchservice://hush-hush", "slack://hush-hush", "mailto://"])
def test_an_address_that_cannot_be_used_is_named_by_its_position(wrong: str) -> None:
    with pytest.raises(SettingError, match=r"TAXI_ALERT_URLS.* address 2") as refusal:
        open_channels(f"json://localhost {wrong}")
    assert "hush" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("urls", ["", "  ", "\n"])
def test_without_addresses_alerts_are_logged_and_that_is_said_once(urls: str, caplog: pytest.LogCaptureFixture) -> None:
    channels._say_that_alerts_are_logged.cache_clear()
    for _ in range(3):
        (channel,) = open_channels(urls)
        assert channel.name == "log"
    (record,) = caplog.records
    assert "TAXI_ALERT_URLS is not set" in record.message
    assert (record.name, record.levelno) == ("taxi_assets.alerting", logging.WARNING)


def test_the_log_has_an_alert_on_one_line(caplog: pytest.LogCaptureFixture) -> None:
    channels.LogChannel().send(failed_check())
    channels.LogChannel().send(Alert("e/2", "WARN", "a\nforged", {"value": "b\nforged"}))
    first, second = caplog.records
    assert (first.name, first.levelno) == ("taxi_assets.alerting", logging.WARNING)
    assert first.message.startswith("ERROR: clean_trips 2024-03-01: the check rows failed (asset: clean_trips; ")
    assert first.message.endswith("; event: check/run-1/rows)")
    assert second.message == "WARN: a forged (value: b; forged; event: e/2)"
