"""What the running notebook session knows about itself."""

import sys
from collections.abc import Iterable, Set
from typing import Any


class PageSilentError(Exception):
    """Colab's page does not say what the notebook is now; the text says why."""


def colab_notebook() -> dict[str, Any] | None:
    """The notebook as Colab's page shows it now; None outside Colab, where the file counts."""
    if "google.colab" not in sys.modules:
        return None
    try:
        from google.colab import _message  # type: ignore[import-not-found]

        reply = _message.blocking_request("get_ipynb", timeout_sec=60)
    except Exception as error:  # Colab promises nothing here: it may change any day
        raise PageSilentError(f"{type(error).__name__}: {error}") from error
    if not isinstance(reply, dict) or not isinstance(reply.get("ipynb"), dict):
        raise PageSilentError("no notebook in its answer")
    notebook: dict[str, Any] = reply["ipynb"]
    return notebook


def unsaved_cell(saved: Set[str]) -> str | None:
    """First line of a cell whose last run has a form that is not among the saved sources."""
    shell = sys.modules.get("IPython")
    found = shell.get_ipython() if shell else None
    if found is None:
        return None
    return last_run_not_in(found.history_manager.input_hist_raw, saved)


def last_run_not_in(executed: Iterable[str], saved: Set[str]) -> str | None:
    """Cells are recognised by their first line; of several runs of a cell the last one counts."""
    saved_first_lines = {_first_line(source) for source in saved}
    last_runs = {_first_line(source): source.strip() for source in executed if source.strip()}
    newest = next(reversed(last_runs.values()), None)
    for first_line, source in last_runs.items():
        known = first_line in saved_first_lines or source is newest
        if known and source not in saved:
            return first_line[:60]
    return None


def _first_line(source: str) -> str:
    return source.strip().partition("\n")[0]
