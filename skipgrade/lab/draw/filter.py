"""Three kinds of filter: standard, depthwise and pointwise."""

from __future__ import annotations

from collections.abc import Sequence

from skipgrade.lab.draw.canvas import (
    BLUE,
    GREEN,
    ORANGE,
    PALE,
    SMALL,
    Canvas,
    Drawing,
    plainly,
)

M, N, D_K = 3, 4, 3  # as drawn
CHANNEL = (BLUE, ORANGE, GREEN)  # a colour for each of the M channels that come in
MIXED = "#dddddd"  # what is made of all of them
SIDE, PITCH, CELL = 28, 44, 8  # of a map, from one to the next, of a weight


@plainly
def filters() -> Drawing:
    """The filters of a convolution, and those of the two that replace it in a MobileNet."""
    sheet = Canvas(486)
    sheet.text(14, 18, "standard convolution", bold=True, align="left")
    drawn = f"drawn: $M$ = {M}, $N$ = {N}, $D_K$ = {D_K}"
    sheet.text(686, 18, drawn, size=SMALL, align="right")
    _maps(sheet, 46, 146, "$M$ maps", CHANNEL)
    _all_to_all(sheet, (46, 348), 146)
    _filters(sheet, 348, 146, "$N$ filters,\neach $M × D_K × D_K$", [CHANNEL] * N, D_K)
    _one_to_one(sheet, (348, 650), 146, N)
    _maps(sheet, 650, 146, "$N$ maps", [MIXED] * N)

    sheet.line((14, 248), (686, 248), colour=PALE)
    sheet.text(14, 270, "depthwise convolution", bold=True, align="left")
    sheet.text(420, 270, "pointwise convolution", bold=True, align="left")
    _maps(sheet, 46, 396, "$M$ maps", CHANNEL)
    _one_to_one(sheet, (46, 197), 396, M)
    _filters(sheet, 197, 396, "$M$ filters,\neach $1 × D_K × D_K$", [[c] for c in CHANNEL], D_K)
    _one_to_one(sheet, (197, 348), 396, M)
    _maps(sheet, 348, 396, "$M$ maps", CHANNEL)
    _all_to_all(sheet, (348, 499), 396)
    _filters(sheet, 499, 396, "$N$ filters,\neach $M × 1 × 1$", [CHANNEL] * N, 1)
    _one_to_one(sheet, (499, 650), 396, N)
    _maps(sheet, 650, 396, "$N$ maps", [MIXED] * N)
    return sheet.finish(
        "Standard convolution: M maps, N filters of M × D_K × D_K that each see all maps, N maps. "
        "Depthwise: M filters of 1 × D_K × D_K that see one map each, M maps. "
        "Pointwise: N filters of M × 1 × 1 that see all maps at one place, N maps."
    )


def _heights(middle: float, count: int) -> list[float]:
    return [middle + PITCH * (number - (count - 1) / 2) for number in range(count)]


def _label(sheet: Canvas, x: float, middle: float, words: str) -> None:
    sheet.text(x, middle - 1.5 * PITCH - 24, words, size=SMALL, upright="bottom")


def _maps(sheet: Canvas, x: float, middle: float, words: str, fills: Sequence[str]) -> None:
    _label(sheet, x, middle, words)
    for y, fill in zip(_heights(middle, len(fills)), fills, strict=True):
        sheet.box(x - SIDE / 2, y - SIDE / 2, SIDE, SIDE, fill=fill)


def _filters(
    sheet: Canvas, x: float, middle: float, words: str, fills: Sequence[Sequence[str]], size: int
) -> None:
    """Filters below each other; each has a slice for every channel it sees."""
    _label(sheet, x, middle, words)
    for y, slices in zip(_heights(middle, len(fills)), fills, strict=True):
        step, side = 5, CELL * size
        reach = step * (len(slices) - 1)
        for place in reversed(range(len(slices))):
            left = x - (side + reach) / 2 + step * place
            top = y - (side - reach) / 2 - step * place
            blank = [[""] * size] * size
            sheet.grid(left, top, CELL, blank, fills=slices[place], thick=0.7)


def _one_to_one(sheet: Canvas, ends: tuple[float, float], middle: float, count: int) -> None:
    for y in _heights(middle, count):
        sheet.arrow((ends[0] + 24, y), (ends[1] - 24, y))


def _all_to_all(sheet: Canvas, ends: tuple[float, float], middle: float) -> None:
    bus = (ends[0] + ends[1]) / 2
    for y in _heights(middle, M):
        sheet.line((ends[0] + 24, y), (bus, y))
    for y in _heights(middle, N):
        sheet.arrow((bus, y), (ends[1] - 24, y))
    sheet.line((bus, _heights(middle, N)[0]), (bus, _heights(middle, N)[-1]))
