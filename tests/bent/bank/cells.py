"""Cells copied, split, moved, deleted, of another type."""

from __future__ import annotations

import copy
from collections.abc import Callable

from tests.bent.bank.bending import Cells, at, code, of_cells, split_a_class, text, words


def copied(title: str, name: str, where: Callable[[Cells, int], int]) -> None:
    @of_cells(title)
    def _(cells: Cells) -> None:
        index = at(cells, name)
        cells.insert(where(cells, index), copy.deepcopy(cells[index]))


for _name in ("double", "test-double", "setup", "why", "test-net"):
    copied(f"{_name} copied after itself", _name, lambda cells, index: index + 1)
    copied(f"{_name} copied to the end", _name, lambda cells, index: len(cells))
    copied(f"{_name} copied to the top", _name, lambda cells, index: 0)


@of_cells("the stub kept, and the answer in a copy above it")
def _(cells: Cells) -> None:
    index = at(cells, "double")
    stub = copy.deepcopy(cells[index])
    stub["source"] = (
        'def double(x):\n    """Twice x."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
    )
    answer = copy.deepcopy(cells[index])
    cells[index] = stub
    cells.insert(index + 1, answer)


def split(title: str, name: str, line: int, *, both: bool) -> None:
    @of_cells(title)
    def _(cells: Cells) -> None:
        index = at(cells, name)
        lines = text(cells[index]).splitlines(keepends=True)
        second = copy.deepcopy(cells[index])
        cells[index]["source"], second["source"] = "".join(lines[:line]), "".join(lines[line:])
        if not both:
            second["metadata"] = {}
        cells.insert(index + 1, second)


split("an answer split in two, both with metadata", "claim", 1, both=True)
split("an answer split in two, the second without metadata", "claim", 1, both=False)
split("the set-up split in two, both with metadata", "setup", 3, both=True)
split("the set-up split in two, the second without metadata", "setup", 3, both=False)


@of_cells("a class split into two cells by inheritance")
def _(cells: Cells) -> None:
    split_a_class(cells)


@of_cells("two cells merged into the answer's")
def _(cells: Cells) -> None:
    index = at(cells, "double")
    cells[index]["source"] = text(cells[index]) + "\n\n" + text(cells[index + 1])
    del cells[index + 1]


@of_cells("a test merged into the answer above it, tests deleted")
def _(cells: Cells) -> None:
    for name in ("test-claim", "test-double", "test-net", "test-run"):
        del cells[at(cells, name)]


for _name in ("setup", "test-claim", "test-double", "test-run"):

    @of_cells(f"{_name} deleted")
    def _(cells: Cells, name: str = _name) -> None:
        del cells[at(cells, name)]


for _kind in ("markdown", "raw"):
    for _name in ("double", "test-double", "setup", "net"):

        @of_cells(f"{_name} turned to {_kind}")
        def _(cells: Cells, name: str = _name, kind: str = _kind) -> None:
            index = at(cells, name)
            changed = words(text(cells[index]), **cells[index]["metadata"])
            cells[index] = changed | {"cell_type": kind}


for _kind in ("code", "raw"):

    @of_cells(f"the answer in words turned to {_kind}")
    def _(cells: Cells, kind: str = _kind) -> None:
        index = at(cells, "why")
        changed = code(text(cells[index]), **cells[index]["metadata"])
        if kind == "raw":
            changed = {
                "cell_type": "raw",
                "metadata": changed["metadata"],
                "source": changed["source"],
            }
        cells[index] = changed


@of_cells("a test moved above its answer")
def _(cells: Cells) -> None:
    index = at(cells, "double")
    cells.insert(index, cells.pop(at(cells, "test-double")))


@of_cells("all tests moved to the top")
def _(cells: Cells) -> None:
    for name in ("test-run", "test-net", "test-double", "test-claim"):
        cells.insert(0, cells.pop(at(cells, name)))


@of_cells("an answer moved to the end")
def _(cells: Cells) -> None:
    cells.append(cells.pop(at(cells, "double")))


@of_cells("the parts in another order")
def _(cells: Cells) -> None:
    first, second = at(cells, "double") - 1, at(cells, "net") - 1
    part = cells[first:second]
    del cells[first:second]
    cells += part
