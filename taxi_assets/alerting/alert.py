"""What an alert says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Severity = Literal["ERROR", "WARN"]


@dataclass(frozen=True)
class Alert:
    """One event that somebody should hear of.

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
        """The title with its severity."""
        return f"{self.severity}: {self.title}"

    @property
    def text(self) -> str:
        """All of it but the title, a line each."""
        lines = [f"{label}: {value}" for label, value in self.details.items()]
        if self.at is not None:
            lines.append(f"at: {self.at:%Y-%m-%d %H:%M:%S} UTC")
        if self.link is not None:
            lines.append(f"link: {self.link}")
        return "\n".join([*lines, f"event: {self.event_id}"])
