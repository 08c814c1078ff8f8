"""Sending by Apprise: e-mail, Slack, webhooks and all else that has an Apprise URL."""

import logging
import re
from contextvars import ContextVar
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.channel import ChannelError
from taxi_assets.alerting.redaction import Redaction
from taxi_assets.errors import SettingError

if TYPE_CHECKING:
    from apprise import AppriseAsset, AppriseResult, NotifyBase

SECONDS_OF_SILENCE = 10
"""How long a server may take to accept a connection, and to answer, where the address does not say."""

SECONDS_OF_A_SEND = 30
"""How long a send may take in all."""

DETAIL = re.compile(r"(?:Exception|Response Details): ?\s*(.+)", re.DOTALL)
"""Where Apprise says in its debugging log what its warnings leave out."""

REASON_LENGTH = 500

_sending = ContextVar("sending an alert", default=False)


class AppriseChannel:
    """An address of Apprise.

    Args:
        name: what the channel is called.
        service: Apprise's own view of the address.
        redaction: what to take out of what Apprise says.
    """

    def __init__(self, name: str, service: "NotifyBase", redaction: Redaction) -> None:
        from apprise import Apprise

        self.name = name
        self._service = service
        self._redaction = redaction
        self._apprise = Apprise(asset=service.asset)
        self._apprise.add(service)

    def send(self, alert: Alert) -> None:
        """Send an alert as plain text.

        Raises:
            ChannelError: it was not taken, or there was no answer in time.
        """
        from apprise import NotifyFormat, NotifyType

        title, text = self._written_for_the_service(alert)
        sending = _sending.set(True)
        try:
            result = self._apprise.notify(
                body=text,
                title=title,
                notify_type=NotifyType.FAILURE if alert.severity == "ERROR" else NotifyType.WARNING,
                body_format=NotifyFormat.TEXT,
                log_level=logging.DEBUG,
            )
        finally:
            _sending.reset(sending)
        if not result:
            reason = self._redaction.apply(_reason(result))[:REASON_LENGTH]
            raise ChannelError(f"{self.name} did not take the alert: {reason}.")

    def _written_for_the_service(self, alert: Alert) -> tuple[str, str]:
        limit = self._service.body_maxlen
        # Discord reads all text as markup, and Apprise leaves it to do so.
        if self._service.schema == "discord":
            title = _escape_for_discord(alert.subject)
            return title, _escape_for_discord(alert.text_within((limit - len(title)) // 2))
        # Where there are no titles, Apprise puts them before the text.
        before = 0 if self._service.title_maxlen > 0 else len(alert.subject) + 2
        return alert.subject, alert.text_within(limit - before)


def open_address(url: str, position: int) -> list[AppriseChannel]:
    """The channels of an Apprise URL, the one at a position of the setting: one, or one for each recipient of mails.

    Raises:
        SettingError: Apprise cannot use it. The message names the position only: all of an address can be secret.
    """
    from apprise.plugins import url_to_dict
    from apprise.plugins.email import NotifyEmail

    _keep_addresses_out_of_logs()
    parsed = url_to_dict(url)  # type: ignore[no-untyped-call]
    if parsed is None:
        raise SettingError(f"TAXI_ALERT_URLS: Apprise cannot read {_which(url, position)}: mend it, or take it out.")
    service = _service(parsed, position)
    host = _host(url, service)
    is_email = isinstance(service, NotifyEmail)
    redaction = Redaction(url, host, is_email=is_email)
    targets = service.targets if is_email else []
    if len(targets) < 2:
        return [AppriseChannel(_name(parsed, host, url), service, redaction)]
    channels = []
    for target in targets:
        service = _service(parsed, position)
        service.targets = [target]
        channels.append(AppriseChannel(_name(parsed, host, f"{url} {target[1]}"), service, redaction))
    return channels


def _which(url: str, position: int) -> str:
    """An address by what is no secret of it."""
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url)
    return f"address {position}" + (f" ({scheme[0]}…)" if scheme else "")


def _service(parsed: dict[str, Any], position: int) -> Any:
    from apprise import Apprise
    from apprise.plugins.email import NotifyEmail

    # Apprise leaves a text that is too long as it is, for servers to refuse it.
    defaults = {"cto": SECONDS_OF_SILENCE, "rto": SECONDS_OF_SILENCE, "overflow": "split"}
    service = Apprise.instantiate(defaults | parsed, asset=_asset())
    if service is None:
        raise SettingError(
            f"TAXI_ALERT_URLS: Apprise cannot use address {position} ({parsed['schema']}://…): "
            "a part of it is missing or wrong, or a package that it needs is not installed."
        )
    if isinstance(service, NotifyEmail):
        # By default there are 5.5 seconds between two mails, whatever the server says: for a thousand, 90 minutes.
        service.request_rate_per_sec = 0
    return service


def _asset() -> "AppriseAsset":
    from apprise import AppriseAsset

    return AppriseAsset(
        app_id="taxi_assets",
        app_desc="Alerts of taxi_assets",
        # A redirect would take what is in the address to somebody it was not written for.
        http_redirects=False,
        interpret_emojis=False,
        service_timeout=SECONDS_OF_A_SEND,
    )


@cache
def _keep_addresses_out_of_logs() -> None:
    """Apprise logs addresses and answers in full: that goes into our reasons, redacted, and nowhere else."""
    from apprise import LOGGER_NAME

    log = logging.getLogger(LOGGER_NAME)
    log.addHandler(logging.NullHandler())
    log.propagate = False
    log.setLevel(logging.DEBUG)
    # It logs every request's path.
    logging.getLogger("urllib3.connectionpool").addFilter(lambda _: not _sending.get())


def _host(url: str, service: "NotifyBase") -> str | None:
    """Host and port of an address; nothing for services that can have a token in their place."""
    templates: tuple[str, ...] = service.templates
    if not all(re.match(r"\{schema\}://([^/]*@)?\{host\}", template) for template in templates):
        return None
    found = re.match(r"[^:]+://(?:[^/?#]*@)?([^/?#@]+)", url)
    return found and found[1].lower()


def _name(parsed: dict[str, Any], host: str | None, identity: str) -> str:
    # Without the password: mending a wrong one keeps the name, and so what waits; and a digest of a weak one would
    # tell it to who tries.
    without_password = re.sub(r"^([^:]+://[^:/?#@]*):[^/?#]*@", r"\1@", identity)
    place = f"://{host}" if host else ""
    return f"{parsed['schema']}{place}#{sha256(without_password.encode()).hexdigest()[:8]}"


def _reason(result: "AppriseResult") -> str:
    from apprise import AppriseResultStatus

    if result.status == AppriseResultStatus.TIMEOUT:
        return f"it took more than {SECONDS_OF_A_SEND} seconds"
    said = []
    for entry in result.logs():
        if entry.level in ("WARNING", "ERROR", "CRITICAL"):
            said.append(entry.message)
        elif detail := DETAIL.search(entry.message):
            said.append(detail[1])
    return "; ".join(" ".join(line.split()).rstrip(".") for line in said) or "no reason was given"


def _escape_for_discord(text: str) -> str:
    # A backslash does not keep a mention from calling everybody; an invisible space does.
    unmentioned = re.sub(r"@(?=everyone|here)|<(?=[@#&:/])", "\\g<0>\N{ZERO WIDTH SPACE}", text)
    return re.sub(r"([\\*_~`|>\[\]#])", r"\\\1", unmentioned)
