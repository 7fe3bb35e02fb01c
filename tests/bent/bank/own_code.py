"""What students add: to the set-up, and in cells of their own."""

from __future__ import annotations

from tests.bent.bank.bending import Cells, at, code, of_cells, words


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
