"""Whether two students wrote the same: answers word by word, code whatever its names are."""

from __future__ import annotations

import io
import json
import keyword
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

WORD = re.compile(r"\w+")
LAYOUT = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
Notebook = dict[str, Any]
Run = tuple[str, ...]  # words or tokens that follow each other


@dataclass(frozen=True)
class Kind:
    """How one kind of writing is compared."""

    name: str
    cells: Callable[[Notebook, frozenset[str]], list[Run]]  # of a notebook, with the names known
    length: int  # of the runs that are looked for
    fewest: int  # runs in common, for a pair to be named
    share: float  # of the shorter one's


@dataclass(frozen=True)
class Common:
    """What two submissions share of one kind of writing, and its longest passage."""

    kind: Kind
    share: float
    passage: str

    @property
    def named(self) -> bool:
        return self.share >= self.kind.share


def words(notebook: Notebook, _known: frozenset[str]) -> list[Run]:
    """The words of each markdown cell."""
    return [tuple(WORD.findall(text.lower())) for text in _cells(notebook, "markdown")]


def tokens(notebook: Notebook, known: frozenset[str]) -> list[Run]:
    """The tokens of each code cell, without the names that only this notebook has."""
    return [tuple(_tokens(text, known)) for text in _cells(notebook, "code")]


def names(notebook: Notebook) -> frozenset[str]:
    """Every name a notebook uses."""
    return frozenset(word for text in _cells(notebook, "code") for word in WORD.findall(text))


ANSWERS = Kind("answers", words, length=7, fewest=20, share=0.4)
CODE = Kind("code", tokens, length=12, fewest=40, share=0.6)
KINDS = (ANSWERS, CODE)


def runs(cells: list[Run], length: int, released: frozenset[Run]) -> list[Run]:
    """The runs of that many words, in order, that were not in the notebook given out."""
    found = [
        cell[start : start + length] for cell in cells for start in range(len(cell) - length + 1)
    ]
    return [run for run in found if run not in released]


@dataclass(frozen=True)
class Released:
    """What was given out, and what the model answer says."""

    names: frozenset[str]
    runs: Mapping[Kind, frozenset[Run]]

    @classmethod
    def of(cls, notebooks: Iterable[Notebook]) -> Released:
        notebooks = list(notebooks)
        known = frozenset(name for one in notebooks for name in names(one))
        given = {}
        for kind in KINDS:
            cells = [cell for one in notebooks for cell in kind.cells(one, known)]
            given[kind] = frozenset(runs(cells, kind.length, frozenset()))
        return cls(known, given)


def rare(written: Mapping[str, list[Run]]) -> frozenset[Run]:
    """Runs so few students have that they tell something: one in ten, and two at least."""
    count = Counter(run for found in written.values() for run in set(found))
    most = max(2, len(written) // 10)
    return frozenset(run for run, students in count.items() if students <= most)


def in_common(kind: Kind, some: list[Run], others: list[Run], telling: frozenset[Run]) -> Common:
    shared = set(some) & set(others) & telling
    fewer = min(len(set(some)), len(set(others)))
    share = len(shared) / fewer if len(shared) >= kind.fewest else 0.0
    return Common(kind, share, _longest(some, shared) if share else "")


def _longest(written: list[Run], shared: set[Run]) -> str:
    """The longest passage all of whose runs are shared."""
    best: list[str] = []
    now: list[str] = []
    for before, run in pairwise([(), *written]):
        if run not in shared:
            now = []
        elif now and before[1:] == run[:-1]:
            now = [*now, run[-1]]
        else:
            now = list(run)
        best = max(best, now, key=len)
    return " ".join(best)


def _cells(notebook: Notebook, kind: str) -> Iterator[str]:
    for cell in notebook["cells"]:
        if cell.get("cell_type") == kind:
            yield "".join(cell["source"])


def _tokens(text: str, known: frozenset[str]) -> Iterator[str]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in LAYOUT:
                own = token.type == tokenize.NAME and not keyword.iskeyword(token.string)
                yield "_" if own and token.string not in known else token.string
    except (tokenize.TokenError, SyntaxError, ValueError):  # what was read up to there counts
        return


def parsed(content: bytes) -> Notebook:
    """A notebook's cells, or none where the file is not a notebook."""
    try:
        cells = json.loads(content)["cells"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {"cells": []}
    return {"cells": [cell for cell in cells if _readable(cell)] if isinstance(cells, list) else []}


def _readable(cell: Any) -> bool:
    source = cell.get("source") if isinstance(cell, dict) else None
    whole = isinstance(source, str)
    return whole or (isinstance(source, list) and all(isinstance(line, str) for line in source))
