"""Does a notebook hold what is nobody else's business: a key, a password, a path of a person's?

Hidden parts count too: they are read by other instructors, and lie in a repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from skipgrade.classroom.lint.finding import Finding
from skipgrade.classroom.lint.notebook import Notebook

KEYS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a key of Amazon's": r"\bAKIA[0-9A-Z]{16}\b",
    "a key of Google's": r"\bAIza[\w-]{35}",
    "a token of GitHub's": r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}",
    "a token of GitLab's": r"\bglpat-[\w-]{20,}",
    "a token of Hugging Face's": r"\bhf_[A-Za-z0-9]{30,}",
    "a token of Slack's": r"\bxox[abprs]-[\w-]{10,}",
    "a key of OpenAI's or Anthropic's": r"\bsk-[\w-]{20,}",
    "a password in an address": r"\w+://[^\s/:@]+:[^\s/@{]+@",
    "a password or secret": r"(?i)\b\w*(?:password|passwd|secret|token|api_?key)\s*=\s*"
    r"[\"'][^\"'{}\s]{8,}[\"']",
}
PATH = re.compile(r"(?<![\w/.])(?:/(?:home|Users)/[\w.-]+|/root(?=/)|[A-Z]:\\+Users\\+[\w.-]+)")
ELSEWHERE = "Take it out, here and from the history, and make a new one: this one is known now."
RELATIVE = "Write the path from the notebook's folder; students have no such folder."


def find(notebook: Notebook, secret: bytes = b"") -> Iterator[Finding]:
    """`secret` is the course's own, which nothing may quote."""
    places = [("", _texts(notebook.raw.get("metadata")))]
    places += [(cell.name, f"{cell.source}\n{_texts(cell.metadata)}") for cell in notebook.cells]
    for cell, text in places:
        for told, fix in _in_text(text, secret.decode("ascii", "replace")):
            yield Finding(notebook.file, cell, told, fix)


def _in_text(text: str, secret: str) -> Iterator[tuple[str, str]]:
    for kind, pattern in KEYS.items():
        if re.search(pattern, text):
            yield f"holds {kind}", ELSEWHERE
    if secret and secret in text:
        yield "holds the course's secret", ELSEWHERE
    for path in sorted(set(PATH.findall(text))):
        yield f"holds a path of one machine, {path}", RELATIVE


def _texts(metadata: object) -> str:
    return json.dumps(metadata, ensure_ascii=False)
