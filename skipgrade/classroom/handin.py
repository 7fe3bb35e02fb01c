"""Can a hand-in be read at all? Where not, what is wrong and what mends it."""

from pathlib import Path

from skipgrade.judging.unreadable import NotANotebook, parse

AGAIN = "Download the notebook again (File → Download → .ipynb) and hand that file in."


def what_is_wrong(folder: Path, notebooks: list[str]) -> str | None:
    """The first reason why a hand-in cannot be graded, or None where it can."""
    for name in notebooks:
        path = folder / f"{name}.ipynb"
        if not path.is_file():
            others = ", ".join(sorted(other.name for other in folder.glob("*.ipynb")))
            there = f" (there is: {others})" if others else ""
            return f"{path.name} is missing from the hand-in{there}. {AGAIN}"
        try:
            parse(path.read_bytes())
        except NotANotebook as error:
            return f"{path.name} is not a notebook: {error}. {AGAIN}"
    return None
