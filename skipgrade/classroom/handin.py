"""Can a hand-in be read at all? Where not, what is wrong and what mends it."""

import json
from pathlib import Path

import nbformat

AGAIN = "Download the notebook again (File → Download → .ipynb) and hand that file in."


def what_is_wrong(folder: Path, notebooks: list[str]) -> str | None:
    """The first reason why a hand-in cannot be graded, or None where it can."""
    for name in notebooks:
        wrong = _wrong_with(folder / f"{name}.ipynb")
        if wrong:
            return f"{wrong} {AGAIN}"
    return None


def _wrong_with(path: Path) -> str | None:
    if not path.is_file():
        others = sorted(other.name for other in path.parent.glob("*.ipynb"))
        there = f" (there is: {', '.join(others)})" if others else ""
        return f"{path.name} is missing from the hand-in{there}."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return f"{path.name} is not a text file, so not a notebook."
    except json.JSONDecodeError as error:
        return (
            f"{path.name} is not valid JSON, so not a notebook "
            f"(line {error.lineno}, column {error.colno}: {error.msg})."
        )
    try:
        nbformat.validate(nbformat.from_dict(content))
    except (nbformat.ValidationError, AttributeError, KeyError, TypeError, ValueError) as error:
        return f"{path.name} is JSON but not a notebook ({_first_line(error)})."
    return None


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
