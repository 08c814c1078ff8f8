"""Taking the secrets of an address out of what is said about it."""

import re
from base64 import b64encode
from urllib.parse import quote, unquote

SHOWN_OPTIONS = frozenset(
    {"cto", "emojis", "footer", "format", "image", "method", "mode", "overflow", "redirect", "rto", "tz", "verify"}
)
"""Options of Apprise addresses whose values are no secrets."""

SHOWN_OPTIONS_OF_EMAIL = SHOWN_OPTIONS | {"bcc", "cc", "from", "name", "reply", "smtp", "to"}

HIDDEN = "***"

SHORT = 4
"""Shorter pieces are taken out where they are words: else hardly a word would be left."""


class Redaction:
    """Takes every piece of an address out of a text, but for its host and what is no secret.

    Args:
        url: the address. Services put tokens at any place of theirs.
        host: its host and port, where they are shown.
        is_email: whether it is that of mailboxes, which are shown.
    """

    def __init__(self, url: str, host: str | None, *, is_email: bool) -> None:
        pieces = {form for piece in _pieces(url, host, is_email=is_email) for form in _forms(piece)}
        longest_first = sorted(pieces, key=len, reverse=True)
        self._pattern = re.compile("|".join(_pattern(piece) for piece in longest_first)) if pieces else None

    def apply(self, text: str) -> str:
        """The text without the secrets."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def _pieces(url: str, host: str | None, *, is_email: bool) -> set[str]:
    _, _, rest = url.partition("://")
    place, _, query = rest.partition("?")
    authority, slash, path = place.partition("/")
    user, _, last = authority.rpartition("@")
    if not host or last.lower() != host:
        path = f"{last}{slash}{path}"
    pieces = {user, user.partition(":")[2], *re.split(r"[:@]", user), *re.split(r"[/:@,#]", path)}
    if ":" in user:
        pieces.add(b64encode(unquote(user).encode()).decode())
    shown = SHOWN_OPTIONS_OF_EMAIL if is_email else SHOWN_OPTIONS
    for option in re.split(r"[&#]", query):
        key, named, value = option.partition("=")
        if not named:
            pieces.add(option)
        elif key.lower() not in shown:
            pieces |= {value, *re.split(r"[/:@,\s+]", unquote(value))}
    return pieces - {""}


def _forms(piece: str) -> set[str]:
    plain = unquote(piece)
    return {piece, plain, quote(plain, safe=""), quote(plain)}


def _pattern(piece: str) -> str:
    return re.escape(piece) if len(piece) >= SHORT else rf"(?<!\w){re.escape(piece)}(?!\w)"
