"""A submission's text as one may show it."""

from __future__ import annotations

import re
from typing import Any


def presentable(text: Any, limit: int = 240) -> str:
    """Printable, short, without this machine's folders; empty for what is no text."""
    if not isinstance(text, str):
        return ""
    text = re.sub(r"(?:/[\w.@+-]+){2,}/", "", text[: 100 * limit])
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = "".join(c if c.isprintable() else " " for c in text).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"
