"""What a submission still lacks without being incomplete: said once it is packed."""

from collections.abc import Callable, Iterable
from typing import Any

from skipgrade.lab import session
from skipgrade.lab.checking import Found, to_fix, try_all
from skipgrade.lab.errors import LabError
from skipgrade.lab.files import run_file
from skipgrade.lab.history import History
from skipgrade.lab.settings import on_drawn_images
from skipgrade.lab.unfilled import is_stub
from skipgrade.lab.visible import released

UNWRITTEN = "YOUR ANSWER HERE"
SHOWN = 5  # of a kind; the rest is counted


def told(assignment: str, cells: Iterable[dict[str, Any]], runs: Iterable[str]) -> list[str]:
    """A line or two a kind; none where nothing is left."""
    every = list(cells)
    lines = _listed("code that is not filled in", _names(every, "code", is_stub))
    lines += _listed("answers that are not written", _names(every, "markdown", _is_unwritten))
    lines += _listed(
        "runs on the drawn images, worth little where the official ones are asked for", _drawn(runs)
    )
    try:
        tasks = released().get(assignment, [])
        lines += _failing(try_all(tasks, session.names()))
    except LabError as error:
        lines.append(f"- the visible tests were not run: {error}")
    return ["Still open (the file can be handed in all the same):", *lines] if lines else []


def _failing(found: Found) -> list[str]:
    problems = to_fix(found)
    lines = [f"- {problem}" for problem in problems[:SHOWN]]
    if problems:
        more = f"{len(problems)} of {len(found)} visible tests do not pass"
        return [f"- {more}; lab.check() shows all:", *(f"  {line}" for line in lines)]
    return []


def _listed(kind: str, names: list[str]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return [f"- {kind}: {shown}{more}"]


def _names(cells: list[dict[str, Any]], kind: str, is_open: Callable[[str], bool]) -> list[str]:
    found = []
    for cell in cells:
        marks = cell.get("metadata", {}).get("nbgrader", {})
        ours = cell["cell_type"] == kind and marks.get("solution") and "grade_id" in marks
        if ours and is_open("".join(cell["source"])):
            found.append(marks["grade_id"])
    return found


def _is_unwritten(source: str) -> bool:
    return source.strip() in ("", UNWRITTEN)


def _drawn(runs: Iterable[str]) -> list[str]:
    read = {name: History.read(run_file(name, "history.json")) for name in runs}
    return [name for name, history in read.items() if on_drawn_images(history.settings)]
