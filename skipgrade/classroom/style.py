"""The look of the pages we write, and how they write numbers."""

from functools import cache
from pathlib import Path

from pygments.formatters import HtmlFormatter

TEMPLATES = Path(__file__).with_name("templates")


@cache
def style(highlight: bool = False) -> str:
    """The style sheet, light and dark; with colours for code where asked for."""
    sheet = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    if highlight:
        light = HtmlFormatter(style="friendly").get_style_defs(".highlight")
        dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
        sheet += f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
        sheet += ".highlight { background: none }\n"
    return sheet


def number(value: float) -> str:
    """Points as people write them: 3, 2.5, 0.33."""
    return f"{round(value, 2):g}"
