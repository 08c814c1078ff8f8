"""Real places that alerts go to: a webhook and a mail server of this machine."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

PASSWORD = "correct-horse"


class Webhook:
    """Keeps what was posted to it and accepted. It answers with the statuses in `answers`, and then with 200."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.headers = {"Location": "http://127.0.0.1:9/elsewhere"}
        self.said = b""
        self.go_on = Event()
        self.go_on.set()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                webhook.go_on.wait()
                status = webhook.answers.pop(0) if webhook.answers else 200
                (webhook.taken if status == 200 else webhook.refused).append(posted)
                self.send_response(status)
                for name, value in webhook.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(webhook.said)))
                self.end_headers()
                self.wfile.write(webhook.said)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"json://{self.host}/alerts"

    def events(self) -> list[str]:
        """The event ids of what was taken, in order."""
        return [posted["message"].rpartition("event: ")[2] for posted in self.taken]


@contextmanager
def webhook_server() -> Iterator[Webhook]:
    """A webhook."""
    webhook = Webhook()
    thread = Thread(target=webhook.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield webhook
    finally:
        webhook.go_on.set()
        webhook.server.shutdown()
        webhook.server.server_close()
        thread.join()


class Mailbox:
    """Keeps the mails that arrive; refuses those to `refused`."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refused: set[str] = set()

    async def handle_RCPT(self, server: SMTP, _session: Any, envelope: Envelope, address: str, _: Any) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def url(self, to: str, login: str = "") -> str:
        return f"mailto://{login}127.0.0.1:{self.port}?from=taxi@example.com&to={to}"

    port: int


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A mail server. Who logs in must be `taxi`, with PASSWORD."""
    mailbox = Mailbox()

    def authenticate(*arguments: Any) -> AuthResult:
        login = arguments[-1]
        assert isinstance(login, LoginPassword)
        return AuthResult(success=login.password == PASSWORD.encode(), handled=False)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        mailbox.port = free.getsockname()[1]
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        authenticator=authenticate,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
