"""Can a hand-in be read at all? Where not, what is wrong and what fixes it."""

from pathlib import Path

from skipgrade.judging.intake import exporter as unreadable
from skipgrade.judging.intake.parsing import NotANotebookError
from skipgrade.judging.intake.plain_files import NotPlainFileError, printable

AGAIN = "Download the notebook again (File → Download → .ipynb) and hand that file in."


def what_is_wrong(folder: Path, notebooks: list[str]) -> str | None:
    """The first reason why a hand-in cannot be graded, or None where it can."""
    if folder.is_symlink():
        return f"its folder is a link, and links are not followed. {AGAIN}"
    for name in notebooks:
        path = folder / f"{name}.ipynb"
        if not path.is_symlink() and not path.exists():
            others = ", ".join(sorted(printable(other.name) for other in folder.glob("*.ipynb")))
            there = f" (there is: {others})" if others else ""
            return f"{path.name} is missing from the hand-in{there}. {AGAIN}"
        try:
            unreadable.read_submitted(path)
        except (NotPlainFileError, NotANotebookError) as error:
            return f"{unreadable.what_is_wrong(path.name, error)} {AGAIN}"
    return None
