"""What the running notebook session knows about itself."""

import sys
from collections.abc import Iterable, Set
from pathlib import Path
from typing import Any

from skipgrade.lab.errors import LabError


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
    notebook = reply.get("ipynb") if isinstance(reply, dict) else None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise PageSilentError("no notebook in its answer")
    return notebook


def download(path: Path) -> bool:
    """Offer the file to the browser, on Colab; elsewhere it lies where the student works."""
    if "google.colab" not in sys.modules:
        return True
    try:
        from google.colab import files

        files.download(str(path))
    except Exception:  # a convenience, and Colab's own to change: the caller says what to do
        return False
    return True


def unsaved_cell(saved: Set[str]) -> str | None:
    """First line of a cell whose last run has a form that is not among the saved sources."""
    shell = _shell()
    return last_run_not_in(shell.history_manager.input_hist_raw, saved) if shell else None


def executed() -> set[str]:
    """The cells that were run in this kernel."""
    shell = _shell()
    return {one.strip() for one in shell.history_manager.input_hist_raw} if shell else set()


def names() -> dict[str, Any]:
    """The notebook's variables, in a dictionary of its own."""
    shell = _shell()
    if shell is None:
        raise LabError("There is no notebook here: call this in one of its cells.")
    return dict(shell.user_ns)


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


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
