"""The blocks of the course, layer by layer, and what goes around them."""

from __future__ import annotations

from dataclasses import dataclass

from skipgrade.lab.draw.canvas import (
    LIGHT_BLUE,
    LIGHT_GREEN,
    LIGHT_ORANGE,
    LIGHT_RED,
    RED,
    WIDTH,
    Canvas,
    Drawing,
    plainly,
)
from skipgrade.lab.errors import LabError

NORM, RELU, SUM = "batch norm", "ReLU", "+"
SHRINKS, WIDENS = "1×1 conv → c", "1×1 conv → 4c"
COLOURS = {"conv": LIGHT_BLUE, "norm": LIGHT_ORANGE, "ReLU": LIGHT_GREEN}
HIGH, PITCH = 25, 37  # of a layer, and from one to the next


@dataclass(frozen=True)
class Block:
    """The layers from top to bottom, and those on the way around them into the sum."""

    title: str
    layers: tuple[str, ...]
    shortcut: tuple[str, ...] | None = None  # none of them: x itself

    @property
    def wide(self) -> float:
        """What its layers need."""
        return 190 if SHRINKS in self.layers else max(map(_wide, self.layers))

    @property
    def lane(self) -> float:
        """How much room its shortcut takes."""
        if self.shortcut is None:
            return 0
        return 34 + max(map(_wide, self.shortcut)) if self.shortcut else 44

    def words(self) -> str:
        told = f"{self.title}: {', '.join(self.layers)}"
        if self.shortcut is not None:
            told += f"; around these, into the +, goes {', '.join(self.shortcut) or 'x itself'}"
        return " ".join(told.replace("$", "").split())


def _wide(words: str) -> float:
    return 7 * max(map(len, words.replace("$", "").split("\n"))) + 16


TWO = ("3×3 conv, stride $s$", NORM, RELU, "3×3 conv", NORM)
TWO_KEPT = ("3×3 conv", *TWO[1:])
CHEAP = ("3×3 depthwise", NORM, RELU, "1×1 conv", NORM, RELU)
THREE = (SHRINKS, NORM, RELU, "3×3 conv, stride $s$", NORM, RELU, WIDENS, NORM)
THREE_KEPT = (*THREE[:3], "3×3 conv", *THREE[4:])
PROJECTION = ("1×1 conv, stride $s$", NORM)

BLOCKS = {
    "04 plain": Block("PlainBlock", (*TWO, RELU)),
    "04 residual": Block("ResBlock", (*TWO, SUM, RELU), ("shortcut",)),
    "04 mobile": Block("MobileBlock", ("3×3 depthwise, stride $s$", *CHEAP[1:], *CHEAP)),
    "04 identity": Block(
        "stride 1: identity", (*TWO_KEPT, SUM, RELU), ("$x$, and zeros for\nnew channels",)
    ),
    "04 projection": Block("any other stride: projection", (*TWO, SUM, RELU), PROJECTION),
    "05 same": Block("the shape stays", (*TWO_KEPT, SUM, RELU), ()),
    "05 other": Block(
        "the shape changes",
        (*TWO, SUM, RELU),
        ("every $s$-th row\nand column", "zeros behind, for\nthe new channels"),
    ),
    "06 same": Block("the shape stays", (*TWO_KEPT, SUM, RELU), ()),
    "06 other": Block("the shape changes", (*TWO, SUM, RELU), PROJECTION),
    "06 bottleneck": Block("the shape stays", (*THREE_KEPT, SUM, RELU), ()),
    "06 bottleneck, other": Block("the shape changes", (*THREE, SUM, RELU), PROJECTION),
    "07 same": Block("stride 1", (*TWO_KEPT, SUM), ()),
    "07 other": Block("any other stride", (*TWO, SUM), ("match_dim:\n1×1 conv, stride $s$",)),
}


@plainly
def blocks(*names: str) -> Drawing:
    """Blocks of the course next to each other, by their names in `lab.draw.BLOCKS`."""
    unknown = [name for name in names if name not in BLOCKS]
    if unknown or not names:
        raise LabError(f"There is no block {unknown or ''}. There are: {', '.join(BLOCKS)}.")
    chosen = [BLOCKS[name] for name in names]
    wide = max(block.wide for block in chosen)
    gap = (WIDTH - sum(wide + block.lane for block in chosen)) / (len(chosen) + 1)
    sheet = Canvas(76 + PITCH * max(len(block.layers) for block in chosen))
    x = gap
    for block in chosen:
        _drawn(sheet, (x, x + wide), block)
        x += wide + block.lane + gap
    return sheet.finish(". ".join(block.words() for block in chosen) + ".")


def _drawn(sheet: Canvas, sides: tuple[float, float], block: Block) -> None:
    wide, middle, y = sides[1] - sides[0], sum(sides) / 2, 64.0
    sheet.text(middle + block.lane / 2, 16, block.title, bold=True)
    sheet.text(middle - 12, 44, "$x$")
    sheet.arrow((middle, 36), (middle, y))
    for words in block.layers:
        if words == SUM:
            sheet.circle(middle, y + HIGH / 2, HIGH / 2, SUM)
            _shortcut(sheet, sides, block, (44, y + HIGH / 2))
        else:
            full = sides[1] - sides[0]
            under = {SHRINKS: 0.72 * full, WIDENS: full}.get(words, wide)
            _layer(sheet, (middle, y), (wide, under), words)
            wide = under
        sheet.arrow((middle, y + HIGH), (middle, y + PITCH))
        y += PITCH


def _layer(
    sheet: Canvas, place: tuple[float, float], widths: tuple[float, float], words: str
) -> None:
    """A box, or a funnel where the number of channels changes."""
    (x, y), (above, under) = place, (widths[0] / 2, widths[1] / 2)
    fill = next((colour for kind, colour in COLOURS.items() if kind in words), LIGHT_BLUE)
    corners = (x - above, y), (x + above, y), (x + under, y + HIGH), (x - under, y + HIGH)
    sheet.shape(*corners, fill=fill)
    sheet.text(x, y + HIGH / 2, words)


def _shortcut(
    sheet: Canvas, sides: tuple[float, float], block: Block, ends: tuple[float, float]
) -> None:
    """From the input, past the layers, into the sum."""
    if block.shortcut is None:
        return
    (start, end), middle = ends, sum(sides) / 2
    lane = sides[1] + ((block.lane + 18) / 2 if block.shortcut else 22)
    heights = [HIGH + 15 * words.count("\n") for words in block.shortcut]
    y = (start + end - sum(heights) - (PITCH - HIGH) * (len(heights) - 1)) / 2
    way = [(middle, start), (lane, start)]
    for words, height in zip(block.shortcut, heights, strict=True):
        sheet.arrow(*way, (lane, y), colour=RED)
        wide = _wide(words)
        sheet.box(lane - wide / 2, y, wide, height, words, fill=LIGHT_RED, edge=RED)
        way = [(lane, y + height)]
        y += height + PITCH - HIGH
    if not block.shortcut:
        sheet.text(lane + 12, (start + end) / 2, "$x$")
    sheet.arrow(*way, (lane, end), (middle + HIGH / 2, end), colour=RED)
