"""[grader, judge's kernel] A submission's text as one may show it: names, reasons, tracebacks."""

import re
from typing import Any


def printable(text: object) -> str:
    """The text in one line, with everything that would steer a terminal or turn it round escaped.

    Escaped are control characters (ESC, C1, line ends), marks that change the writing direction,
    halves of surrogate pairs, and what else Python does not call printable.
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(text)
    )


def printable_lines(text: str, between: str = "\n") -> str:
    """The same for a text of several lines, which stay apart."""
    return between.join(printable(line) for line in text.split("\n"))


def presentable(text: Any, limit: int = 240) -> str:
    """Printable, short, without this machine's folders; empty for what is not text."""
    if not isinstance(text, str):
        return ""
    text = re.sub(r"(?:/[\w.@+-]+){2,}/", "", text[: 100 * limit])
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = "".join(c if c.isprintable() else " " for c in text).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"
