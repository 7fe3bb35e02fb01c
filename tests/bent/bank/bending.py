"""How a way to bend a submission is written: a function of its folder, notebook or cells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bent.course import NAME

Bend = Callable[[Path], None]
BENDS: dict[str, Bend] = {}
Cells = list[dict[str, Any]]


def bend(title: str) -> Callable[[Bend], Bend]:
    def keep(how: Bend) -> Bend:
        assert title not in BENDS
        BENDS[title] = how
        return how

    return keep


def of_cells(title: str) -> Callable[[Callable[[Cells], None]], Callable[[Cells], None]]:
    """The same for a function of the notebook's cells."""

    def keep(how: Callable[[Cells], None]) -> Callable[[Cells], None]:
        @bend(title)
        def bent(folder: Path) -> None:
            with raw(folder) as notebook:
                how(notebook["cells"])

        return how

    return keep


@contextmanager
def raw(folder: Path) -> Iterator[dict[str, Any]]:
    path = folder / f"{NAME}.ipynb"
    notebook = json.loads(path.read_text())
    yield notebook
    path.write_text(json.dumps(notebook))


def at(cells: Cells, name: str) -> int:
    for index, each in enumerate(cells):
        if each["metadata"].get("nbgrader", {}).get("grade_id") == name:
            return index
    raise KeyError(name)


def text(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code(source: str, **metadata: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"outputs": [], "execution_count": None}
    return {"cell_type": "code", "metadata": metadata, "source": source, **empty}


def words(source: str, **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": metadata, "source": source}


def forget(cells: Cells) -> None:
    """What editors drop that do not know nbgrader."""
    for each in cells:
        each["metadata"] = {}


def split_a_class(cells: Cells) -> None:
    """An answer in two cells, each of them needed."""
    index = at(cells, "net")
    cells[index]["source"] = "class Base(nn.Module):\n    pass"
    cells.insert(index + 1, code(
        "class Net(Base):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Linear(12, 3)\n    def forward(self, x):\n"
        "        return self.layer(x.flatten(1))"
    ))  # fmt: skip


def whole(title: str) -> Callable[[Callable[[dict[str, Any]], None]], None]:
    def keep(how: Callable[[dict[str, Any]], None]) -> None:
        @bend(title)
        def bent(folder: Path) -> None:
            with raw(folder) as notebook:
                how(notebook)

    return keep
