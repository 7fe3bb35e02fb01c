"""Is every drawing of the notebooks clear, and does it show what the networks really do?"""

from __future__ import annotations

import ast
import base64
import functools
import itertools
import math
import re
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
import torchvision
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.text import Text
from torch import nn
from torch.nn import functional as F

from skipgrade import lab
from skipgrade.judging.programs.program import read_program
from skipgrade.judging.programs.recording import record
from skipgrade.judging.programs.steps import Step, steps
from skipgrade.lab.draw import canvas, network, table
from skipgrade.lab.draw.canvas import Drawing
from skipgrade.lab.draw.filter import CELL, D_K, M, N

SOURCE = Path(__file__).parents[2] / "source"
NOTEBOOKS = {path.stem[:2]: path for path in sorted(SOURCE.glob("*/*.ipynb"))}


@functools.cache
def cells(notebook: str) -> dict[str, Any]:
    return {cell.id: cell for cell in nbformat.read(NOTEBOOKS[notebook], as_version=4).cells}


CALLS = {
    f"{notebook} {cell.source}": cell
    for notebook in NOTEBOOKS
    for cell in cells(notebook).values()
    if cell.cell_type == "code" and "lab.draw." in cell.source
}


def drawn(call: str) -> Drawing:
    """What a call like `lab.draw.lenet5()` gives, with a notebook's number before it or without."""
    drawing = eval(call[call.index("lab.") :], {"lab": lab})
    assert isinstance(drawing, Drawing)
    return drawing


def texts(drawing: Drawing) -> list[Text]:
    return [text for text in drawing.figure.axes[0].texts if text.get_text()]


def boxes_of(drawing: Drawing) -> dict[Text, Any]:
    """The room that each text takes, in pixels from the lower left corner."""
    canvas_of_it: Any = drawing.figure.canvas
    renderer = canvas_of_it.get_renderer()
    return {text: text.get_window_extent(renderer) for text in texts(drawing)}


def solution(notebook: str, *wanted: str) -> dict[str, Any]:
    """The names that these cells of a source notebook make, and no others are run."""
    names: dict[str, Any] = {
        "torch": torch, "nn": nn, "F": F, "lab": lab, "CLASSES": 10, "__name__": "notebook",
    }  # fmt: skip
    for cell in wanted:
        exec(cells(notebook)[cell].source, names)
    return names


# In the notebooks ---------------------------------------------------------------------------------


def test_every_drawing_is_shown_somewhere() -> None:
    shown = "\n".join(CALLS)
    for name in set(lab.draw.__all__) - {"BLOCKS"}:
        assert f"lab.draw.{name}(" in shown, name
    for block in lab.draw.BLOCKS:
        assert f'"{block}"' in shown, block
        assert f"{block[:2]} lab.draw.blocks(" in shown, f"{block} is drawn in another notebook"


@pytest.mark.parametrize("call", CALLS)
def test_a_drawing_is_one_call_in_a_plain_cell(call: str) -> None:
    """It leaves no name behind, is no answer and no test, and needs no training."""
    cell = CALLS[call]
    (line,) = ast.parse(cell.source).body
    assert isinstance(line, ast.Expr) and isinstance(line.value, ast.Call)
    assert not cell.metadata.get("nbgrader") and not cell.metadata.get("tags")


def test_blocks_that_do_not_exist_are_named() -> None:
    with pytest.raises(lab.LabError, match=r"09 wide.*04 plain"):
        lab.draw.blocks("04 plain", "09 wide")
    with pytest.raises(lab.LabError, match="There are: 04 plain"):
        lab.draw.blocks()


# On the sheet -------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS)
def test_texts_can_be_read(call: str) -> None:
    """None is small, leaves the sheet, overlaps another one, or sticks out of its box."""
    drawing = drawn(call)
    room = boxes_of(drawing)
    sheet = drawing.figure.bbox
    for text, box in room.items():
        assert float(text.get_fontsize()) >= 11 * canvas._POINTS, text
        assert box.x0 >= 4 and box.x1 <= sheet.x1 - 4, f"{text} leaves the sheet"
        assert box.y0 >= 2 and box.y1 <= sheet.y1 - 2, f"{text} leaves the sheet"
    for (one, first), (other, second) in itertools.combinations(room.items(), 2):
        assert not first.overlaps(second), f"{one} and {other}"
    for patch in drawing.figure.axes[0].patches:
        if isinstance(patch, FancyArrowPatch):
            continue
        around = patch.get_window_extent()
        for text, box in room.items():
            if around.contains(*(box.min + box.max) / 2):
                inside = around.padded(0.5)
                assert inside.contains(*box.min) and inside.contains(*box.max), f"{text} sticks out"


@pytest.mark.parametrize("call", CALLS)
def test_no_line_runs_through_a_text(call: str) -> None:
    drawing = drawn(call)
    axes = drawing.figure.axes[0]
    arrows: list[Any] = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    ways = [np.asarray(line.get_xydata()) for line in axes.get_lines()]
    ways += [np.array(arrow._posA_posB) for arrow in arrows]
    along = np.linspace(0, 1, 200)[:, None]
    room = boxes_of(drawing)
    for way in ways:
        for start, end in itertools.pairwise(way):
            points = axes.transData.transform(start + along * (end - start))
            for text, box in room.items():
                assert not any(box.contains(*point) for point in points), f"through {text}"


@pytest.mark.parametrize("call", CALLS)
def test_a_cell_shows_it_and_says_it(call: str) -> None:
    """A picture of twice the width it is shown at, the same sentence beside it, nothing twice."""
    drawing = drawn(call)
    shown, about = drawing._repr_mimebundle_(include=None, exclude=None)
    picture = base64.b64decode(shown["image/png"])
    assert struct.unpack(">I", picture[16:20]) == (2 * canvas.WIDTH,)
    assert about["image/png"] == {"width": canvas.WIDTH, "alt": drawing.words}
    assert shown["text/plain"] == repr(drawing) == drawing.words
    assert len(drawing.words) > 60 and drawing.words.endswith(".") and "\n" not in drawing.words
    assert not plt.get_fignums()


def test_the_style_of_a_notebook_does_not_matter() -> None:
    plain = drawn("lab.draw.resnet20()").png()
    with plt.style.context(["dark_background", {"font.size": 30, "lines.linewidth": 9}]):
        assert drawn("lab.draw.resnet20()").png() == plain
    with plt.xkcd():
        assert drawn("lab.draw.resnet20()").png() == plain


# Against the networks -----------------------------------------------------------------------------


def shapes_drawn(drawing: Drawing) -> list[tuple[int, ...]]:
    """The shapes a drawing tells, from left to right: 16×32×32, or one number on a last line."""
    found = []
    for text in texts(drawing):
        last = text.get_text().split("\n")[-1]
        if re.fullmatch(r"\d+(×\d+×\d+)?", last):
            found.append((text.get_position()[0], tuple(map(int, last.split("×")))))
    return [shape for _, shape in sorted(found)]


def shapes_in(net: nn.Module, image: torch.Tensor, modules: Iterable[nn.Module]) -> list[Any]:
    """What comes out of some modules of a network, for one image."""
    shapes: list[Any] = []
    for module in modules:
        module.register_forward_hook(lambda _m, _in, out: shapes.append(tuple(out.shape[1:])))
    net.eval()(image)
    return shapes


def test_lenet5_has_the_shapes_of_the_network() -> None:
    net = solution("01", "lenet5")["LeNet5"]()
    layers = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.MaxPool2d, nn.Linear))]
    shapes = shapes_in(net, torch.zeros(1, 3, 32, 32), layers)
    flat = (math.prod(shapes[3]),)
    assert shapes_drawn(lab.draw.lenet5()) == [(3, 32, 32), *shapes[:4], flat, *shapes[4:]]


CHAINS = {
    "net18": ("04", ("plain-block", "plain-net"), "PlainNet18()", network.NET18),
    "resnet20": ("05", ("shortcut", "block", "resnet"), "ResNet20()", network.RESNET20),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_have_the_shapes_and_strides_of_the_network(name: str) -> None:
    notebook, wanted, call, chain = CHAINS[name]
    net = eval(call, solution(notebook, *wanted))
    stem = next(m for m in net.modules() if isinstance(m, nn.Conv2d))
    image = torch.zeros(1, 3, 32, 32)
    first, *blocks, last = shapes_in(net, image, [stem, *net.blocks, list(net.modules())[-1]])
    assert [s.shape for s in chain.stages for _ in range(s.blocks)] == blocks
    halves = [(s.halves and n == 0) for s in chain.stages for n in range(s.blocks)]
    sides = [first[1], *(shape[1] for shape in blocks)]
    assert halves == [before != after for before, after in itertools.pairwise(sides)]
    in_stages = [shape for shape, _ in itertools.groupby(blocks)]
    drawing = getattr(lab.draw, name)()
    told = [s for s in shapes_drawn(drawing) if s not in ((1,), (chain.layers,))]
    assert sorted(told) == sorted([(3, 32, 32), first, *in_stages, (blocks[-1][0],), last])
    assert str(chain.layers) in [text.get_text() for text in texts(drawing)]
    weights = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(weights) == chain.layers
    strides = [text for text in texts(drawing) if text.get_text() == "stride 2"]
    assert len(strides) == sum(halves)


def test_what_is_frozen_is_what_the_solution_freezes() -> None:
    resnet = torchvision.models.resnet18(weights=None)
    resnet.fc = nn.Linear(512, 10)
    model = nn.Module()
    model.resnet = resnet
    model = solution("08", "freeze")["freeze"](model)
    assert model.resnet is resnet
    stages = [resnet.maxpool, *(getattr(resnet, f"layer{n}") for n in (1, 2, 3, 4))]
    image = torch.zeros(1, 3, 256, 256)
    *maps, mean, scores = shapes_in(resnet, image, [*stages, resnet.avgpool, resnet.fc])
    drawing = lab.draw.frozen()
    assert shapes_drawn(drawing) == [tuple(image.shape[1:]), *maps, mean[:1], scores]
    for learns, word in ((True, "learns"), (False, "frozen")):
        size = sum(p.numel() for p in resnet.parameters() if p.requires_grad is learns)
        assert f"{word}\n{size:,} parameters" in [text.get_text() for text in texts(drawing)]


def numbers_in(drawing: Drawing, left: float, right: float) -> list[int]:
    """The numbers that stand between two x, row by row."""
    found = [
        (round(text.get_position()[1]), text.get_position()[0], int(text.get_text()))
        for text in texts(drawing)
        if left < text.get_position()[0] < right and text.get_text().isdigit()
    ]
    return [number for _, _, number in sorted(found)]


def test_the_window_computes_what_a_convolution_does() -> None:
    image, weights = torch.tensor([table.CHANNELS]), torch.tensor([table.FILTER])
    out = F.conv2d(image, weights, padding=1)
    drawing = lab.draw.window()
    assert numbers_in(drawing, 544, 700) == out.flatten().tolist()
    row, column = table.PLACE
    here = int(out[0, 0, row, column])
    under = F.pad(image, (1, 1, 1, 1))[0, :, row : row + 3, column : column + 3] * weights[0]
    told = [text.get_text() for text in texts(drawing)]
    assert f"= {here}" in told
    assert all(f"= {int(part)}" in told for part in under.sum((1, 2)))
    assert numbers_in(drawing, 0, 160) == F.pad(image, (1, 1, 1, 1)).flatten().tolist()
    assert numbers_in(drawing, 190, 270) == weights.flatten().tolist()


def test_option_a_does_what_the_solution_does() -> None:
    x = torch.tensor([table.CHANNELS_IN])
    out = solution("05", "shortcut")["shortcut"](x, 4, 2)
    drawing = lab.draw.option_a()
    below = [text for text in texts(drawing) if text.get_position()[1] > 215]
    found = [
        (round(x / 140), round(y), x, int(text.get_text()))
        for text in below
        if text.get_text().isdigit()
        for x, y in [text.get_position()]
    ]
    assert [number for *_, number in sorted(found)] == out.flatten().tolist()


def test_as_many_weights_are_drawn_as_there_are() -> None:
    squares = [
        patch.get_y()
        for patch in lab.draw.filters().figure.axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_width() == CELL
    ]
    standard = nn.Conv2d(M, N, D_K, bias=False).weight.numel()
    separable = sum(
        layer.weight.numel()
        for layer in (nn.Conv2d(M, M, D_K, groups=M, bias=False), nn.Conv2d(M, N, 1, bias=False))
    )
    assert sum(y < 248 for y in squares) == standard
    assert sum(y > 248 for y in squares) == separable


BUILT = {
    "04 plain": (("plain-block",), "PlainBlock(4, 6, 2)"),
    "04 residual": (("plain-block", "res-block"), "ResBlock(4, 6, 2)"),
    "04 mobile": (("plain-block", "conv-dw", "mobile-net"), "MobileBlock(4, 6, 2)"),
    "04 identity": (("plain-block", "res-block"), "ResBlock(4, 6)"),
    "04 projection": (("plain-block", "res-block"), "ResBlock(4, 6, 2)"),
    "05 same": (("shortcut", "block"), "BasicBlock(4, 4)"),
    "05 other": (("shortcut", "block"), "BasicBlock(4, 6, 2)"),
    "06 same": (("basic-block",), "BasicBlock(4, 4)"),
    "06 other": (("basic-block",), "BasicBlock(4, 6, 2)"),
    "06 bottleneck": (("bottleneck",), "Bottleneck(4, 1)"),
    "06 bottleneck, other": (("bottleneck",), "Bottleneck(4, 2, 2)"),
    "07 same": (("block",), "BasicBlock(4, 4)"),
    "07 other": (("block",), "BasicBlock(4, 6, 2)"),
}


def told_by(step: Step) -> str:
    """A step of a program in the words of the drawings."""
    if step.kind != "convolution":
        return {"sum": "+"}.get(step.kind, step.kind)
    kernel = step.label.partition("x")[0].split()[-1]
    stride = ", stride s" if "stride 2" in step.label else ""
    return f"{kernel}×{kernel} {'depthwise' if 'groups' in step.label else 'conv'}{stride}"


def ways(block: nn.Module) -> tuple[list[str], list[str] | None]:
    """The steps of a block from its input to its end, and those of its shortcut if it has one."""
    x = torch.randn(2, 4, 8, 8)
    told = steps(read_program(record(block, [x], train=False, owner=block)), [x])

    def back(number: int) -> list[int]:
        way = []
        while number:
            way.append(number)
            number = told[number - 1].follows[0]
        return way[::-1]

    sums = [number for number, step in enumerate(told, 1) if step.kind == "sum"]
    if not sums:
        return [told_by(told[number - 1]) for number in back(len(told))], None
    one, other = sorted((back(number) for number in told[sums[0] - 1].follows), key=len)
    after = list(range(sums[0], len(told) + 1))
    return (
        [told_by(told[number - 1]) for number in other + after],
        [told_by(told[number - 1]) for number in one],
    )


@pytest.mark.parametrize("name", lab.draw.BLOCKS)
def test_blocks_are_the_solutions(name: str) -> None:
    """Layer by layer, with the stride where it is, and the shortcut where it joins."""
    wanted, call = BUILT[name]
    layers, shortcut = ways(eval(call, solution(name[:2], *wanted)))
    block = lab.draw.BLOCKS[name]
    told = [re.sub(r" → .*|\$", "", words) for words in block.layers]
    assert told == layers
    if name == "04 residual":
        assert block.shortcut == ("shortcut",) and shortcut
        return
    assert (block.shortcut is None) == (shortcut is None)
    for words, step in zip_shortcut(block.shortcut or (), shortcut or []):
        assert step in re.sub(r"\s", " ", words.replace("$", "")), (words, step)


def zip_shortcut(told: tuple[str, ...], made: list[str]) -> list[tuple[str, str]]:
    """Rows and columns are two steps, and one box."""
    if made[:2] == ["one row in 2", "one column in 2"]:
        made = ["every s-th row and column", *made[2:]]
    assert len(told) == len(made), (told, made)
    return list(zip(told, made, strict=True))
