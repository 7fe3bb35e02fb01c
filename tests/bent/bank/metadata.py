"""What cells say of themselves, lost or changed."""

from __future__ import annotations

from tests.bent.bank.bending import Cells, at, code, forget, of_cells, split_a_class, text, words


@of_cells("all metadata of cells gone")
def _(cells: Cells) -> None:
    forget(cells)


@of_cells("all metadata gone, headings deleted")
def _(cells: Cells) -> None:
    forget(cells)
    cells[:] = [each for each in cells if not text(each).startswith("## ")]


@of_cells("all metadata gone, own cells in between")
def _(cells: Cells) -> None:
    forget(cells)
    for index in range(len(cells) - 1, 1, -1):
        cells.insert(index, code("print('trying')"))
        cells.insert(index, words("A note of my own."))


@of_cells("all metadata gone, an answer in two cells")
def _(cells: Cells) -> None:
    split_a_class(cells)
    forget(cells)


for _name in ("double", "test-double", "why", "setup"):

    @of_cells(f"the metadata of {_name} gone")
    def _(cells: Cells, name: str = _name) -> None:
        cells[at(cells, name)]["metadata"] = {}


@of_cells("an unknown name in the metadata")
def _(cells: Cells) -> None:
    cells[at(cells, "double")]["metadata"]["nbgrader"]["grade_id"] = "cell-1234"


@of_cells("metadata that says little")
def _(cells: Cells) -> None:
    cells[at(cells, "double")]["metadata"]["nbgrader"] = {"grade_id": "double"}
    cells[at(cells, "test-net")]["metadata"]["nbgrader"] = {"grade_id": "test-net", "points": "4"}


@of_cells("locked cells edited")
def _(cells: Cells) -> None:
    for name in ("test-double", "test-net"):
        cells[at(cells, name)]["source"] = "# it works\npass"
