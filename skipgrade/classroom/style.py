"""The look of the pages we write, and how points are written everywhere."""

from functools import cache
from pathlib import Path

TEMPLATES = Path(__file__).with_name("templates")


@cache
def style() -> str:
    """The style sheet of every page, light and dark."""
    return (TEMPLATES / "page.css").read_text(encoding="utf-8")


def number(value: float) -> str:
    """Points as people write them: 3, 2.5, 0.33."""
    return f"{round(value, 2):g}"
