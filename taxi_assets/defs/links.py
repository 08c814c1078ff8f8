"""Addresses of Dagster's UI."""


def ui_link(ui_url: str | None, path: str) -> str | None:
    """The address of a page, if it is known where the UI is."""
    return f"{ui_url.rstrip('/')}/{path}" if ui_url else None


def run_link(ui_url: str | None, run_id: str) -> str | None:
    """Where Dagster's UI shows a run."""
    return ui_link(ui_url, f"runs/{run_id}")
