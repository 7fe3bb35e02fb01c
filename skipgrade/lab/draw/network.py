"""Whole networks, from the image to the scores, with the shape after every layer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from skipgrade.lab.draw.canvas import (
    LIGHT_BLUE,
    LIGHT_GREEN,
    LIGHT_ORANGE,
    PALE,
    RED,
    SMALL,
    WIDTH,
    Canvas,
    Drawing,
    Shape,
    plainly,
    told,
)

# LeNet-5: what a layer is called, and the shape that comes out of it ------------------------------

LENET5: tuple[tuple[str, Shape], ...] = (
    ("image", (3, 32, 32)),
    ("conv 1\n5×5, ReLU", (6, 28, 28)),
    ("pool 1\n2×2", (6, 14, 14)),
    ("conv 2\n5×5, ReLU", (16, 10, 10)),
    ("pool 2\n2×2", (16, 5, 5)),
    ("flatten", (400,)),
    ("FC 1\nReLU", (120,)),
    ("FC 2\nReLU", (84,)),
    ("FC 3", (10,)),
)


@plainly
def lenet5() -> Drawing:
    """LeNet-5 for colour images of 32 by 32 pixels."""
    sheet, middle, gap, x = Canvas(250), 112, 35, 14.0
    ends = {0: "image\n", len(LENET5) - 1: "scores\n"}
    for number, (name, shape) in enumerate(LENET5):
        if number:
            sheet.arrow((x + 6, middle), (x + gap - 5, middle))
            sheet.text(x + gap / 2, 212, name, size=SMALL, upright="top")
            x += gap
        part = _stack if len(shape) == 3 else _bar
        wide, top = part(sheet, (x, middle), name, shape)
        label = ends.get(number, "") + told(shape)
        sheet.text(x + wide / 2, top - 6, label, size=SMALL, upright="bottom")
        x += wide
    words = "; ".join(f"{name}: {told(shape)}" for name, shape in LENET5).replace("\n", " ")
    return sheet.finish(f"LeNet-5 and the shapes after its layers. {words}.")


def _stack(
    sheet: Canvas, place: tuple[float, float], name: str, shape: Shape
) -> tuple[float, float]:
    """Maps one behind the other; gives their width and their top."""
    channels, side = shape[0], 2.55 * shape[1]
    step = 4 if channels < 10 else 2
    reach = step * (channels - 1)
    top = place[1] - (side + reach) / 2
    fill = LIGHT_ORANGE if "pool" in name else LIGHT_BLUE if "conv" in name else PALE
    sheet.stack(place[0], top + reach, side, [fill] * channels, step=step)
    return side + reach, top


def _bar(sheet: Canvas, place: tuple[float, float], name: str, shape: Shape) -> tuple[float, float]:
    """A row of numbers, higher the more they are; gives its width and its top."""
    high = 8.2 * shape[0] ** 0.5
    sheet.box(place[0], place[1] - high / 2, 13, high, fill=LIGHT_GREEN)
    return 13, place[1] - high / 2


# Chains of blocks, two layers each ----------------------------------------------------------------

AXIS, NUMBERS = 118, 190  # how far down the chain runs, and the numbers of its layers stand


@dataclass(frozen=True)
class Stage:
    """Blocks in a row that put out the same shape; the first may have stride 2."""

    name: str
    blocks: int
    shape: Shape
    halves: bool = False


@dataclass(frozen=True)
class Chain:
    """A convolution, stages of blocks, the mean over all places, and a linear layer."""

    name: str
    stages: tuple[Stage, ...]
    scores: int
    shortcuts: bool

    @property
    def layers(self) -> int:
        return 2 + 2 * sum(stage.blocks for stage in self.stages)

    def words(self) -> str:
        told_of = [
            f"{stage.name}, {'the first with stride 2, ' if stage.halves else ''}"
            f"{told(stage.shape)}"
            for stage in self.stages
        ]
        first = f"3×3 convolution, {told(self.stages[0].shape)}"
        last = f"mean, {self.stages[-1].shape[0]}; linear, {self.scores}"
        return f"{self.name}: {first}; {'; '.join(told_of)}; {last}."


NET18 = Chain(
    "The plan of the three networks with 18 layers",
    (
        Stage("blocks 1, 2", 2, (64, 32, 32)),
        Stage("blocks 3, 4", 2, (128, 16, 16), halves=True),
        Stage("blocks 5, 6", 2, (256, 8, 8), halves=True),
        Stage("blocks 7, 8", 2, (512, 4, 4), halves=True),
    ),
    scores=100,
    shortcuts=False,
)
RESNET20 = Chain(
    "ResNet-20",
    (
        Stage("stage 1: 3 blocks", 3, (16, 32, 32)),
        Stage("stage 2: 3 blocks", 3, (32, 16, 16), halves=True),
        Stage("stage 3: 3 blocks", 3, (64, 8, 8), halves=True),
    ),
    scores=10,
    shortcuts=True,
)


@plainly
def net18() -> Drawing:
    """The plan that PlainNet18, ResNet18 and MobileNet18 of assignment 04 share."""
    return _drawn(NET18)


@plainly
def resnet20() -> Drawing:
    """ResNet-20's nine blocks in three stages."""
    return _drawn(RESNET20)


@dataclass(frozen=True)
class Column:
    """Where a part of a chain stands: as high as its maps, and wider with more of them."""

    left: float
    wide: float
    side: float
    fill: str

    @property
    def right(self) -> float:
        return self.left + self.wide

    @property
    def middle(self) -> float:
        return self.left + self.wide / 2

    @property
    def top(self) -> float:
        return AXIS - 1.9 * self.side


def _drawn(chain: Chain) -> Drawing:
    sheet = Canvas(262)
    columns = _columns(chain)
    for column in columns:
        sheet.box(column.left, column.top, column.wide, 2 * (AXIS - column.top), fill=column.fill)
    for one, other in pairwise(columns):
        sheet.arrow((one.right + 4, AXIS), (other.left - 4, AXIS))
    _label_ends(sheet, chain, columns)
    blocks = columns[2:-2]
    for number, column in enumerate(blocks):
        layers = f"{2 * number + 2}, {2 * number + 3}"
        sheet.text(column.middle, NUMBERS, layers, size=SMALL)
    for stage in chain.stages:
        own, blocks = blocks[: stage.blocks], blocks[stage.blocks :]
        name = f"{stage.name}\n{told(stage.shape)}"
        sheet.bracket(own[0].left, own[-1].right, NUMBERS + 14, name)
        if stage.halves:
            sheet.text(own[0].middle, own[0].top - 26, "stride 2", size=SMALL)
    if chain.shortcuts:
        _shortcuts(sheet, chain, columns)
    return sheet.finish(chain.words())


def _columns(chain: Chain) -> list[Column]:
    """The image, the first convolution, all blocks, the mean and the linear layer."""
    maps, side, _ = chain.stages[0].shape
    parts = [(9.0, side, PALE), (13.0, side, LIGHT_ORANGE)]
    for stage in chain.stages:
        wide = 13 * (stage.shape[0] / maps) ** 0.5
        parts += [(wide, stage.shape[1], LIGHT_BLUE)] * stage.blocks
    parts += [(12.0, 10, LIGHT_GREEN), (12.0, 6, LIGHT_GREEN)]
    gap = (WIDTH - 60 - sum(wide for wide, _, _ in parts)) / (len(parts) - 1)
    lefts = accumulate((wide + gap for wide, _, _ in parts), initial=30)
    return [Column(left, *part) for left, part in zip(lefts, parts, strict=False)]


def _label_ends(sheet: Canvas, chain: Chain, columns: list[Column]) -> None:
    image, first, *_, mean, last = columns
    out, end = chain.stages[0].shape, chain.stages[-1].shape[0]
    above = f"image\n{told((3, *out[1:]))}"
    sheet.text(image.middle, image.top - 5, above, size=SMALL, upright="bottom")
    sheet.text(mean.middle, mean.top - 5, f"mean\n{end}", size=SMALL, upright="bottom")
    sheet.text(image.middle, NUMBERS, "layers", size=SMALL)
    for column, number, name in (
        (first, 1, f"3×3 conv\n{told(out)}"),
        (last, chain.layers, f"linear\n{chain.scores}"),
    ):
        sheet.text(column.middle, NUMBERS, number, size=SMALL)
        sheet.text(column.middle, NUMBERS + 27, name, size=SMALL, upright="top")


def _shortcuts(sheet: Canvas, chain: Chain, columns: list[Column]) -> None:
    """Over each block; dashed where the shape changes."""
    firsts = accumulate((stage.blocks for stage in chain.stages), initial=2)
    changing = {n for n, stage in zip(firsts, chain.stages, strict=False) if stage.halves}
    for number in range(2, len(columns) - 2):
        before, block, after = columns[number - 1 : number + 2]
        start = (before.right + block.left) / 2 + 2
        end = (block.right + after.left) / 2 - 2
        high = block.top - 10
        way = (start, AXIS), (start, high), (end, high), (end, AXIS)
        sheet.line(*way, colour=RED, dashed=number in changing)
    for y, kind, dashed in ((24, "x itself", False), (42, "option A", True)):
        sheet.line((540, y), (564, y), colour=RED, dashed=dashed)
        sheet.text(571, y, f"shortcut: {kind}", size=SMALL, align="left")
