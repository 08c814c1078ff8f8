"""What Apprise sends arrives as it is meant, and why it did not is told without secrets."""

import subprocess
import sys

import pytest

from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.channels import Channel, ChannelError, open_channels
from taxi_assets_tests.alerting.events import failed_check
from taxi_assets_tests.receivers import PASSWORD, Mailbox, Webhook


def only(urls: str) -> Channel:
    (channel,) = open_channels(urls)
    return channel


def name_of(url: str) -> str:
    return only(url).name


def refusal(url: str) -> str:
    with pytest.raises(ChannelError) as error:
        only(url).send(failed_check())
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_mail_has_the_alert_as_plain_text(mailbox: Mailbox) -> None:
    only(mailbox.url("ops@example.com", f"taxi:{PASSWORD}@")).send(failed_check())
    (mail,) = mailbox.mails
    assert (mail["From"].addresses[0].addr_spec, mail["To"]) == ("taxi@example.com", "ops@example.com")
    assert mail["Subject"] == failed_check().subject
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == failed_check().text.splitlines()


def test_values_are_neither_markup_nor_headers(mailbox: Mailbox, webhook: Webhook) -> None:
    alert = Alert("e/1", "WARN", "t\r\nBcc: x@example.com", {"value": "<b>*a*</b> [x](http://y) &amp; :smile:\n\n.\n"})
    for channel in open_channels(f"{mailbox.url('ops@example.com')} {webhook.url}"):
        channel.send(alert)
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == webhook.taken[0]["title"] == "WARN: t Bcc: x@example.com"
    assert mail.get_content().rstrip("\n").splitlines() == alert.text.splitlines()
    assert webhook.taken[0]["message"] == alert.text
    assert "<b>*a*</b> [x](http://y) &amp; :smile:" in alert.text


def test_a_mail_that_asks_for_html_has_no_markup_of_values(mailbox: Mailbox) -> None:
    only(mailbox.url("ops@example.com&format=html")).send(Alert("e/1", "WARN", "t", {"value": "<img src=x>"}))
    (mail,) = mailbox.mails
    html = mail.get_body(("html",))
    assert html is not None
    assert "<img" not in html.get_content()
    assert "&lt;img" in html.get_content()


@pytest.mark.parametrize(("severity", "kind"), [("ERROR", "failure"), ("WARN", "warning")])
def test_the_severity_is_the_kind_of_the_notification(webhook: Webhook, severity: str, kind: str) -> None:
    only(webhook.url).send(Alert("e/1", severity, "t"))  # type: ignore[arg-type]
    assert webhook.taken[0]["type"] == kind


def test_discord_calls_nobody_and_shows_no_markup() -> None:
    channel = only("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js")
    alert = Alert("e/1", "WARN", "@everyone", {"value": "@here <@12> **bold** [x](http://y)" + "*" * 5_000})
    title, text = channel._written_for_the_service(alert)  # type: ignore[attr-defined]
    assert len(title) + len(text) <= 2_000
    assert not any(call in title + text for call in ("@everyone", "@here", "<@", " **", " ["))
    assert text.endswith("event: e/1")


def test_each_recipient_of_a_mail_is_a_channel(mailbox: Mailbox) -> None:
    channels = open_channels(mailbox.url("a@example.com,b@example.com"))
    assert len({channel.name for channel in channels}) == 2
    for channel in channels:
        channel.send(failed_check())
    assert [mail["To"] for mail in mailbox.mails] == ["a@example.com", "b@example.com"]


def test_why_a_recipient_was_refused_is_told(mailbox: Mailbox) -> None:
    mailbox.refused = {"gone@example.com"}
    said = refusal(mailbox.url("gone@example.com"))
    assert "gone@example.com" in said
    assert "no such mailbox" in said


def test_a_wrong_password_is_told_but_not_shown(mailbox: Mailbox) -> None:
    said = refusal(mailbox.url("ops@example.com", "taxi:wr0ng-p4ss@"))
    assert "535" in said
    assert "wr0ng" not in said


def test_a_webhook_that_answers_with_an_error_is_told_with_what_it_said(webhook: Webhook) -> None:
    webhook.answers, webhook.said = [500], b"the token t0k3n of me:s3cr3t is expired"
    channel = only(f"json://me:s3cr3t@{webhook.host}/t0k3n")
    said = refusal(f"json://me:s3cr3t@{webhook.host}/t0k3n")
    assert said.startswith(f"{channel.name} did not take the alert: Failed to send JSON POST notification: ")
    assert "500" in said
    assert "is expired" in said
    assert "t0k3n" not in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(webhook: Webhook, second_webhook: Webhook, status: int) -> None:
    webhook.answers = [status]
    webhook.headers = {"Location": f"http://{second_webhook.host}/"}
    assert str(status) in refusal(webhook.url)
    assert (len(webhook.refused), second_webhook.taken) == (1, [])


def test_a_server_that_does_not_answer_is_given_up(webhook: Webhook) -> None:
    webhook.go_on.clear()
    assert "Read timed out" in refusal(f"{webhook.url}?rto=0.2")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("json://me:s3cr3t@Example.com:8080/t0k3n?x=t0k3n", "json://example.com:8080#"),
        ("mailtos://me:s3cr3t@example.com?to=ops@example.com", "mailtos://example.com#"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack#"),
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack#"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "tgram#"),
        ("ntfy://a-secret-topic", "ntfy#"),
    ],
)
def test_a_name_shows_the_service_and_the_host_but_no_secret(url: str, place: str) -> None:
    name = name_of(url)
    assert name.startswith(place)
    assert len(name) == len(place) + 8
    assert name == name_of(url)


def test_two_places_at_one_host_differ_in_name_and_a_password_does_not() -> None:
    urls = [f"json://{login}example.com/{path}" for login in ("me:one@", "you:one@", "") for path in ("a", "b")]
    assert len({name_of(url) for url in urls}) == 6
    assert name_of("json://me:one@example.com/a") == name_of("json://me:another@example.com/a")


def test_no_log_has_a_secret(webhook: Webhook, mailbox: Mailbox) -> None:
    webhook.answers = [500]
    program = """
import logging, sys
logging.basicConfig(level=0, stream=sys.stdout)
from taxi_assets.alerting.channels import open_channels
from taxi_assets.alerting.trial import send_trial
from taxi_assets.errors import SettingError
for urls in sys.argv[1:]:
    try:
        print(send_trial(open_channels(urls)))
    except SettingError as error:
        print(error)
"""
    addresses = [
        f"json://me:hush1@{webhook.host}/hush2?+Authorization=hush3&token=hush4",
        mailbox.url("ops@example.com", "taxi:hush5@"),
        "slack://hush6",
        "nosuchservice://hush7/hush8",
    ]
    # Once refused, once taken.
    command = [sys.executable, "-c", program, *addresses, addresses[0]]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (len(webhook.refused), len(webhook.taken)) == (1, 1)
    assert said.stdout.count("did not take the alert") == 2
    assert said.stdout.count("TAXI_ALERT_URLS") == 2
    assert "hush" not in said.stdout + said.stderr
