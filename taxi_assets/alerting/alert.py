"""What an alert says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Severity = Literal["ERROR", "WARN"]

TITLE_LENGTH = 200
"""Characters of a title that are told."""

VALUE_LENGTH = 1_000
"""Characters of a value that are told: enough for the first error of a run."""

SHORTER_VALUES = (300, 100, 30)
"""Where a channel takes short messages only."""


@dataclass(frozen=True)
class Alert:
    """One event that somebody should hear of.

    Titles and values can come from data files: what is shown of them is plain text of limited length.

    Attributes:
        event_id: the same for the same event, whenever and wherever it is seen again.
        severity: ERROR, or WARN for what stops nothing.
        title: one line.
        details: what to know, by its label (`asset`, `partition`, `check`, `expected`, `actual`, `run` …), in order.
        at: when it happened (UTC).
        link: where Dagster's UI shows it.
    """

    event_id: str
    severity: Severity
    title: str
    details: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None
    link: str | None = None

    @property
    def subject(self) -> str:
        """The title with its severity: one line."""
        return f"{self.severity}: {_cut(_line(self.title), TITLE_LENGTH)}"

    @property
    def text(self) -> str:
        """All of it but the title, a line each; further lines of a value are indented."""
        return self._text(VALUE_LENGTH)

    def text_within(self, length: int) -> str:
        """The text with its values cut until it has at most so many characters, or no value can be cut further.

        The event, the link and the labels stay whole.
        """
        text = self.text
        for value_length in SHORTER_VALUES:
            if len(text) <= length:
                break
            text = self._text(value_length)
        return text

    def _text(self, value_length: int) -> str:
        lines = [f"{_line(label)}: {_lines(_cut(value, value_length))}" for label, value in self.details.items()]
        if self.at is not None:
            lines.append(f"at: {self.at:%Y-%m-%d %H:%M:%S} UTC")
        if self.link is not None:
            lines.append(f"link: {_line(self.link)}")
        return "\n".join([*lines, f"event: {_line(self.event_id)}"])


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _line(text: str) -> str:
    return _printable(" ".join(text.split()))


def _lines(text: str) -> str:
    # Indented, a line of a value cannot pass for a label of ours.
    return "\n  ".join(_printable(line) for line in text.splitlines())


def _printable(text: str) -> str:
    """Without what steers terminals and the direction of writing, or cannot be encoded."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
