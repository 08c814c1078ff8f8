"""The sensor `alerts` sends what real runs and ticks give cause to, once."""

import logging
from pathlib import Path

import dagster as dg
import pytest

from taxi_assets.defs.alerts import alerts, open_outbox
from taxi_assets.settings import load_settings
from taxi_assets_tests.defs.running import materialize
from taxi_assets_tests.defs.trained import block, source_of
from taxi_assets_tests.receivers import webhook_server

pytestmark = pytest.mark.slow


def look(instance: dg.DagsterInstance) -> str | None:
    """Let the sensor look; gives what it says of it."""
    return alerts.evaluate_tick(dg.build_sensor_context(instance)).skip_message


def fetch_a_month_that_is_not_there(home: Path, instance: dg.DagsterInstance) -> str:
    """A run that fails; gives its id."""
    made = materialize(source_of(home), "raw_trips", "clean_trips", partition="2024-05-01", instance=instance)
    assert not made.success
    return made.run_id


def test_a_failed_check_and_a_failed_run_arrive_at_a_webhook_once(
    trained: Path, trained_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXI_UI_URL", "https://dagster.example")
    with webhook_server() as webhook:
        monkeypatch.setenv("TAXI_ALERT_URLS", webhook.url)
        assert look(trained_instance) == "0 new events; 0 messages sent, 0 waiting."
        block(trained, trained_instance, "2024-02")
        check_run = trained_instance.get_runs(limit=1)[0].run_id
        failed_run = fetch_a_month_that_is_not_there(trained, trained_instance)
        assert look(trained_instance) == "2 new events; 2 messages sent, 0 waiting."
        assert look(trained_instance) == "0 new events; 0 messages sent, 0 waiting."
        check, run = webhook.taken
    assert check["title"] == "ERROR: check share_kept failed on clean_trips 2024-02-01"
    assert f"run: {check_run}" in check["message"]
    assert "expected: " in check["message"]
    assert "actual: " in check["message"]
    assert f"link: https://dagster.example/runs/{check_run}" in check["message"]
    assert failed_run in run["message"]
    assert "2024-05: the sample source has 2024-01 to 2024-04" in run["message"]


def test_what_the_webhook_does_not_take_waits(
    trained: Path, trained_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    block(trained, trained_instance, "2024-02")
    with webhook_server() as webhook:
        monkeypatch.setenv("TAXI_ALERT_URLS", webhook.url)
        webhook.answers = [500]
        for new in (1, 0):
            said = look(trained_instance) or ""
            assert said.startswith(f"{new} new events; 0 messages sent, 1 waiting. json://127.0.0.1:")
            assert "did not take the alert" in said
        (backlog,) = open_outbox(load_settings()).backlog().values()
    assert (backlog.waiting, backlog.failing) == (1, 1)


def test_without_addresses_it_is_logged(
    trained: Path, trained_instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    block(trained, trained_instance, "2024-02")
    with caplog.at_level(logging.WARNING, "taxi_assets.alerting"):
        assert look(trained_instance) == "1 new events; 1 messages sent, 0 waiting."
    assert "ERROR: check share_kept failed on clean_trips 2024-02-01" in caplog.text


def test_only_the_assets_of_the_setting_alert(
    trained: Path, trained_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXI_ALERT_ASSETS", "champion_model")
    block(trained, trained_instance, "2024-02")
    assert look(trained_instance) == "0 new events; 0 messages sent, 0 waiting."
