"""Ways in which an honest submission comes in bent, each a function of its folder.

What Jupyter and Colab do to notebooks, what learning platforms and browsers do to files, and what
students do in a hurry. All of it is to be graded as if nothing had happened.
"""

from __future__ import annotations

import copy
import json
import shutil
import zipfile
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


# Cells: copied, split, moved, deleted, of another type -------------------------------------------


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
    index = at(cells, "net")
    cells[index]["source"] = "class Base(nn.Module):\n    pass"
    cells.insert(index + 1, code(
        "class Net(Base):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Linear(12, 3)\n    def forward(self, x):\n"
        "        return self.layer(x.flatten(1))"
    ))  # fmt: skip


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


# Metadata ----------------------------------------------------------------------------------------


@of_cells("all metadata of cells gone")
def _(cells: Cells) -> None:
    for each in cells:
        each["metadata"] = {}


@of_cells("all metadata gone, headings deleted")
def _(cells: Cells) -> None:
    for each in cells:
        each["metadata"] = {}
    cells[:] = [each for each in cells if not text(each).startswith("## ")]


@of_cells("all metadata gone, own cells in between")
def _(cells: Cells) -> None:
    for each in cells:
        each["metadata"] = {}
    for index in range(len(cells) - 1, 1, -1):
        cells.insert(index, code("print('trying')"))
        cells.insert(index, words("A note of my own."))


@of_cells("all metadata gone, an answer in two cells")
def _(cells: Cells) -> None:
    index = at(cells, "net")
    cells[index]["source"] = "class Base(nn.Module):\n    pass"
    cells.insert(index + 1, code(
        "class Net(Base):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Linear(12, 3)\n    def forward(self, x):\n"
        "        return self.layer(x.flatten(1))"
    ))  # fmt: skip
    for each in cells:
        each["metadata"] = {}


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


# The set-up --------------------------------------------------------------------------------------


@of_cells("an import added to the set-up")
def _(cells: Cells) -> None:
    cells[at(cells, "setup")]["source"] = (
        "import math\n\nimport torch\nfrom torch import nn\nimport functools as ft\n\nSCALE = 2"
    )
    cells[at(cells, "double")]["source"] = (
        "def double(x):\n    return ft.reduce(lambda a, b: a + b, [x] * SCALE)"
    )


@of_cells("the set-up replaced by own imports")
def _(cells: Cells) -> None:
    cells[at(cells, "setup")]["source"] = "import torch as th\nimport torch.nn as N\nSCALE = 2.0"
    cells[at(cells, "net")]["source"] = (
        "class Net(N.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = N.Linear(12, 3)\n    def forward(self, x):\n"
        "        return self.layer(th.flatten(x, 1))"
    )


@of_cells("names of Python's used as variables")
def _(cells: Cells) -> None:
    cells.insert(at(cells, "double"), code(
        "list = [1, 2]\nstr = 'text'\nset = {1}\nlen = 3\ndict = {}\nisinstance_ = 1\nsum = 0\n"
        "max = min = 5\ntype = 'net'\nfloat = 1.0\ntuple = ()\nrange = 7\ninput = 1"
    ))  # fmt: skip


@of_cells("names of the set-up used as variables")
def _(cells: Cells) -> None:
    cells.insert(at(cells, "test-double"), code("math = 'maths'\ncheck = images = handed_in = 1"))


# Own cells ---------------------------------------------------------------------------------------


@of_cells("an own cell above uses what comes below")
def _(cells: Cells) -> None:
    cells.insert(at(cells, "double"), code("print(double(4))"))


@of_cells("own cells that raise")
def _(cells: Cells) -> None:
    cells.insert(1, code("1 / 0"))
    cells.insert(at(cells, "net"), code("raise SystemExit"))
    cells.append(code("def broken(:\n    pass"))


@of_cells("own cells that hang, two of them")
def _(cells: Cells) -> None:
    for name in ("double", "net"):
        cells.insert(at(cells, name) + 1, code("while True:\n    pass"))


@of_cells("an own cell that waits for the keyboard")
def _(cells: Cells) -> None:
    cells.insert(at(cells, "net"), code("name = input('Your name? ')"))


@of_cells("own cells with magics and shell commands")
def _(cells: Cells) -> None:
    cells.insert(1, code("!pip install -q no-such-package-for-sure\n%pip list\n!nvidia-smi\n!ls"))
    cells.insert(2, code("%matplotlib inline\n%load_ext autoreload\n%autoreload 2"))
    cells.insert(3, code("%%time\nx = 1"))


@of_cells("Colab's own calls")
def _(cells: Cells) -> None:
    cells.insert(1, code("from google.colab import drive\ndrive.mount('/content/drive')"))
    cells.insert(2, code("%cd /content/drive/MyDrive/homework"))
    cells.append(code("from google.colab import files\nfiles.download('table.csv')"))


@of_cells("a cell that prints a lot")
def _(cells: Cells) -> None:
    cells.insert(at(cells, "net"), code("for number in range(20_000):\n    print(number)"))


@of_cells("empty cells everywhere")
def _(cells: Cells) -> None:
    for index in range(len(cells), -1, -1):
        cells.insert(index, code(""))
        cells.insert(index, words(""))


# The notebook's file -----------------------------------------------------------------------------


def whole(title: str) -> Callable[[Callable[[dict[str, Any]], None]], None]:
    def keep(how: Callable[[dict[str, Any]], None]) -> None:
        @bend(title)
        def bent(folder: Path) -> None:
            with raw(folder) as notebook:
                how(notebook)

    return keep


@whole("Colab's metadata")
def _(notebook: dict[str, Any]) -> None:
    notebook["nbformat_minor"] = 0
    notebook["metadata"] = {
        "colab": {"provenance": [], "gpuType": "T4", "toc_visible": True},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "accelerator": "GPU",
        "widgets": {"application/vnd.jupyter.widget-state+json": {"abc": {"model_name": "HBox"}}},
    }
    for number, each in enumerate(notebook["cells"]):
        each["metadata"] |= {
            "id": f"aB{number}",
            "executionInfo": {"status": "ok", "user": {"displayName": "A Name", "userId": "1"}},
            "outputId": "c", "colab": {"base_uri": "https://localhost:8080/"},
        }  # fmt: skip
    badge = '<a href="https://colab.research.google.com/github/x">Open In Colab</a>'
    notebook["cells"].insert(0, words(badge, id="view-in-github", colab_type="text"))


@whole("widget outputs without their state")
def _(notebook: dict[str, Any]) -> None:
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1", "version_major": 2}}
    output = {"output_type": "display_data", "data": view | {"text/plain": "0%"}, "metadata": {}}
    notebook["cells"].insert(2, code("1") | {"outputs": [output]})


@whole("cells without outputs and counts")
def _(notebook: dict[str, Any]) -> None:
    for each in notebook["cells"]:
        each.pop("outputs", None)
        each.pop("execution_count", None)


@whole("cells without metadata")
def _(notebook: dict[str, Any]) -> None:
    for each in notebook["cells"]:
        if "nbgrader" not in each["metadata"]:
            del each["metadata"]


@whole("no metadata of the notebook")
def _(notebook: dict[str, Any]) -> None:
    notebook["metadata"] = {}


@whole("another kernel's name")
def _(notebook: dict[str, Any]) -> None:
    notebook["metadata"]["kernelspec"] = {"name": "conda-env-dl-py", "display_name": "Python (dl)"}


@whole("a kernelspec that says nothing")
def _(notebook: dict[str, Any]) -> None:
    notebook["metadata"]["kernelspec"] = {}


@whole("no minor version")
def _(notebook: dict[str, Any]) -> None:
    del notebook["nbformat_minor"]


@whole("cell ids, some of them twice")
def _(notebook: dict[str, Any]) -> None:
    notebook["nbformat_minor"] = 5
    for number, each in enumerate(notebook["cells"]):
        each["id"] = f"cell-{number // 2}"


@whole("texts as one string")
def _(notebook: dict[str, Any]) -> None:
    for each in notebook["cells"]:
        each["source"] = text(each)


@whole("line ends of Windows")
def _(notebook: dict[str, Any]) -> None:
    for each in notebook["cells"]:
        each["source"] = text(each).replace("\n", "\r\n")


@bend("a byte-order mark")
def _(folder: Path) -> None:
    path = folder / f"{NAME}.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


@bend("UTF-16")
def _(folder: Path) -> None:
    path = folder / f"{NAME}.ipynb"
    path.write_bytes(path.read_text().encode("utf-16"))


@bend("spaces around the JSON")
def _(folder: Path) -> None:
    path = folder / f"{NAME}.ipynb"
    path.write_text(f"\n\n {path.read_text()}\n\n")


# Names and folders -------------------------------------------------------------------------------


def renamed(title: str, old: str, new: str) -> None:
    @bend(title)
    def _(folder: Path) -> None:
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        (folder / old).rename(folder / new)


NOTEBOOK, WEIGHTS, TABLE = f"{NAME}.ipynb", "plain-best.safetensors", "table.csv"
renamed("the notebook with (1)", NOTEBOOK, f"{NAME} (1).ipynb")
renamed("the notebook with (2), no space", NOTEBOOK, f"{NAME}(2).ipynb")
renamed("a copy of the notebook", NOTEBOOK, f"Copy of {NAME}.ipynb")
renamed("Jupyter's copy of the notebook", NOTEBOOK, f"{NAME}-Copy1.ipynb")
renamed("Windows' copy of the notebook", NOTEBOOK, f"{NAME} - Copy.ipynb")
renamed("the notebook under a name of its own", NOTEBOOK, "homework_final.ipynb")
renamed("the notebook in capitals", NOTEBOOK, f"{NAME.upper()}.ipynb")
renamed("another case of the ending", NOTEBOOK, f"{NAME}.IPYNB")
renamed("the notebook as JSON", NOTEBOOK, f"{NAME}.ipynb.json")
renamed("the notebook as text", NOTEBOOK, f"{NAME}.ipynb.txt")
renamed("weights with (1)", WEIGHTS, "plain-best (1).safetensors")
renamed("weights with (2)", WEIGHTS, "plain-best(2).safetensors")
renamed("weights in another case", WEIGHTS, "Plain-Best.safetensors")
renamed("a table with (1)", TABLE, "table (1).csv")
renamed("a table in another case", TABLE, "Table.CSV")
renamed("weights in a folder of their own", WEIGHTS, f"weights/{WEIGHTS}")
renamed("a table in a folder of its own", TABLE, f"out/{TABLE}")


@bend("everything one folder down")
def _(folder: Path) -> None:
    _down(folder, folder / NAME)


@bend("everything two folders down, with the rubbish of a Mac")
def _(folder: Path) -> None:
    _down(folder, folder / "content" / "homework 7")
    for path in ("__MACOSX/content/homework 7", ".ipynb_checkpoints"):
        (folder / path).mkdir(parents=True)
    (folder / "__MACOSX/content/homework 7" / f"._{NOTEBOOK}").write_bytes(b"\0\5\x16\7")
    (folder / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb").write_text("{}")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")


@bend("the notebook one folder down, its files beside the folder")
def _(folder: Path) -> None:
    (folder / "notebook").mkdir()
    (folder / NOTEBOOK).rename(folder / "notebook" / NOTEBOOK)


def _down(folder: Path, target: Path) -> None:
    inside = list(folder.iterdir())
    target.mkdir(parents=True)
    for path in inside:
        path.rename(target / path.name)


def zipped(title: str, name: str, inside: str = "", *, loose: tuple[str, ...] = ()) -> None:
    @bend(title)
    def _(folder: Path) -> None:
        paths = [path for path in folder.iterdir() if path.name not in loose]
        with zipfile.ZipFile(folder / name, "w") as archive:
            for path in paths:
                archive.write(path, inside + path.name)
        for path in paths:
            path.unlink()


zipped("the zip file as lab.hand_in wrote it", f"{NAME}_4711.zip")
zipped("a zip file with a folder in it", "homework.zip", "homework/")
zipped("a zip file with other separators", "homework.zip", "homework\\")
zipped("a zip file, the weights beside it", "homework.zip", loose=(WEIGHTS,))
zipped("a zip file in capitals", "HOMEWORK.ZIP")


@bend("a zip file in a zip file")
def _(folder: Path) -> None:
    inner = folder.parent / "inner.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        for path in list(folder.iterdir()):
            archive.write(path, path.name)
            path.unlink()
    with zipfile.ZipFile(folder / "outer.zip", "w") as archive:
        archive.write(inner, f"{NAME}_4711.zip")
    inner.unlink()


@bend("the zip file beside what was in it")
def _(folder: Path) -> None:
    shutil.make_archive(str(folder.parent / "all"), "zip", folder)
    (folder.parent / "all.zip").rename(folder / "all.zip")


@bend("an older notebook beside it")
def _(folder: Path) -> None:
    (folder / "scratch.ipynb").write_text((folder / NOTEBOOK).read_text())
    (folder / f"{NAME} (1).ipynb").write_text("{}")


@bend("checkpoints beside it")
def _(folder: Path) -> None:
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb").write_text("{}")
