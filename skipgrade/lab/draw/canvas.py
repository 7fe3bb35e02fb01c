"""What the course's drawings are made of: a white sheet, 700 units wide, and a few shapes.

A unit is a pixel at the width at which notebooks show a drawing; y runs downwards.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Polygon, Rectangle

WIDTH = 700
TEXT = 13  # the usual size of text; nothing is written smaller than SMALL
SMALL = 11.5

INK, LINE, PALE = "#222222", "#666666", "#e6e6e6"
# Tints of Okabe and Ito's colours, which stay apart for colour-blind eyes; words say it as well.
LIGHT_BLUE, LIGHT_ORANGE, LIGHT_GREEN, LIGHT_RED = "#cfe4f3", "#fbe3b0", "#c9eadf", "#fbe9dc"
BLUE, ORANGE, GREEN, RED = "#4f9fd0", "#f4c95d", "#7fd1b5", "#b84700"

_POINTS = 0.72  # of a pixel, at 100 pixels an inch
plainly = style.context("default")  # a decorator: whatever style the notebook has set

Shape = tuple[int, ...]


def told(shape: Shape) -> str:
    """Channels, height and width, as all drawings write them."""
    return "×".join(map(str, shape))


class Drawing:
    """A finished drawing: a cell that ends with one shows it, and says it in words as well."""

    def __init__(self, figure: Figure, words: str) -> None:
        self.figure = figure
        self.words = words

    def __repr__(self) -> str:
        return self.words

    def png(self) -> bytes:
        """At twice the size it is shown at, for fine screens and for print."""
        file = io.BytesIO()
        with style.context(["default", {"text.hinting": "none"}]):  # letters where they belong
            self.figure.savefig(file, format="png", dpi=200)
        return file.getvalue()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        shown = {
            "image/png": base64.b64encode(self.png()).decode(),
            "text/plain": self.words,
        }
        return shown, {"image/png": {"width": WIDTH, "alt": self.words}}


class Canvas:
    """An empty sheet; every method adds one thing, and `finish` gives the drawing."""

    def __init__(self, height: float) -> None:
        self._figure = Figure(figsize=(WIDTH / 100, height / 100), dpi=100, facecolor="white")
        FigureCanvasAgg(self._figure)
        self._axes: Axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, WIDTH), ylim=(height, 0))
        self._axes.axis("off")

    def finish(self, words: str) -> Drawing:
        return Drawing(self._figure, words)

    def text(
        self, x: float, y: float, words: object, *, size: float = TEXT, colour: str = INK,
        align: str = "center", upright: str = "center", bold: bool = False,
    ) -> None:  # fmt: skip
        """Words around (x, y); or with their left or right end, their top or bottom there."""
        words = str(words)
        if upright == "center" and "\n" not in words:  # all letters of a row on one line
            y, upright = y + 0.36 * size, "baseline"
        self._axes.text(
            x, y, words, fontsize=size * _POINTS, color=colour, ha=align,
            va=upright, fontweight="bold" if bold else "normal", linespacing=1.15,
        )  # fmt: skip

    def box(
        self, x: float, y: float, width: float, height: float, words: object = "", *,
        fill: str = "white", edge: str = LINE, thick: float = 1, dashed: bool = False,
    ) -> None:  # fmt: skip
        """A rectangle by its upper left corner, with words in its middle."""
        shape = Rectangle((x, y), width, height, facecolor=fill, edgecolor=edge)
        shape.set(linewidth=thick, linestyle="--" if dashed else "-")
        self._axes.add_patch(shape)
        if words != "":
            self.text(x + width / 2, y + height / 2, words)

    def circle(self, x: float, y: float, radius: float, words: str) -> None:
        self._axes.add_patch(Circle((x, y), radius, facecolor="white", edgecolor=LINE))
        self.text(x, y, words, size=17)

    def shape(self, *corners: tuple[float, float], fill: str) -> None:
        self._axes.add_patch(Polygon(corners, facecolor=fill, edgecolor=LINE, linewidth=1))

    def line(self, *points: tuple[float, float], colour: str = LINE, dashed: bool = False) -> None:
        xs, ys = zip(*points, strict=True)
        self._axes.plot(xs, ys, color=colour, linewidth=1.2, linestyle="--" if dashed else "-")

    def arrow(self, *points: tuple[float, float], colour: str = LINE) -> None:
        """A line through the points, with a head at the last."""
        *before, start, end = points
        if before:
            self.line(*before, start, colour=colour)
        head = FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=8, shrinkA=0, shrinkB=0)
        head.set(color=colour, linewidth=1.2)
        self._axes.add_patch(head)

    def grid(
        self, x: float, y: float, cell: float, rows: Sequence[Sequence[object]], *,
        fills: Sequence[Sequence[str]] | str = "white", thick: float = 1,
    ) -> None:  # fmt: skip
        """A table of cells with a number in each; one fill for all, or one for each."""
        for row, numbers in enumerate(rows):
            for column, number in enumerate(numbers):
                fill = fills if isinstance(fills, str) else fills[row][column]
                left, top = x + column * cell, y + row * cell
                self.box(left, top, cell, cell, number, fill=fill, thick=thick)

    def stack(
        self, x: float, y: float, side: float, fills: Sequence[str], *, step: float = 4
    ) -> None:
        """Square maps one behind the other; (x, y) is the upper left corner of the front one."""
        for place in reversed(range(len(fills))):
            self.box(x + place * step, y - place * step, side, side, fill=fills[place], thick=0.8)

    def bracket(
        self, start: float, end: float, y: float, words: str, *, size: float = SMALL
    ) -> None:
        """A bracket under what lies between two places, with words below it."""
        self.line((start, y), (start, y + 7), (end, y + 7), (end, y))
        self.text((start + end) / 2, y + 13, words, size=size, upright="top")
