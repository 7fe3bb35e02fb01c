"""Figures as inline SVG in the page's own colours, light and dark."""

import html
import math
from collections.abc import Sequence

WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 36, 12, 26, 36
INK, SOFT, EDGE = "var(--ink)", "var(--soft)", "var(--edge)"

Point = tuple[float, float]


class Figure:
    """Axes from 0, and what is drawn in them."""

    def __init__(self, label: str, right: float, top: float, x: str, y: str) -> None:
        self.label, self.right, self.top = label, right or 1.0, top or 1.0
        self._parts: list[str] = []
        self._axes(x, y)

    def at(self, x: float, y: float) -> Point:
        across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + across * x / self.right, HEIGHT - BOTTOM - up * y / self.top

    def bar(self, left: float, right: float, height: float, told: str) -> None:
        (x, y), (end, base) = self.at(left, height), self.at(right, 0)
        self._parts.append(
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{max(1, end - x - 2):.1f}" '
            f'height="{base - y:.1f}" fill="var(--link)">{_title(told)}</rect>'
        )

    def dot(self, x: float, y: float, told: str, colour: str) -> None:
        across, down = self.at(x, y)
        self._parts.append(
            f'<circle cx="{across:.1f}" cy="{down:.1f}" r="4" fill="{colour}" '
            f'fill-opacity=".75">{_title(told)}</circle>'
        )

    def line(self, points: Sequence[Point], told: str, colour: str) -> None:
        path = " ".join("{:.1f},{:.1f}".format(*self.at(*point)) for point in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5" '
            f'stroke-opacity=".7">{_title(told)}</polyline>'
        )

    def level(self, y: float, told: str = "") -> None:
        """A dashed line across, and its name."""
        (left, down), (right, _) = self.at(0, y), self.at(self.right, y)
        self._parts.append(
            f'<line x1="{left}" y1="{down:.1f}" x2="{right}" y2="{down:.1f}" stroke="{SOFT}" '
            f'stroke-dasharray="5 4"/>{_text(right, down - 4, told, "end")}'
        )

    def svg(self) -> str:
        size, label = f"0 0 {WIDTH} {HEIGHT}", html.escape(self.label)
        drawn = "".join(self._parts)
        return f'<svg viewBox="{size}" role="img" aria-label="{label}">{drawn}</svg>'

    def _axes(self, x: str, y: str) -> None:
        for value in ticks(self.top):
            left, down = self.at(0, value)
            self._parts.append(
                f'<line x1="{left}" y1="{down:.1f}" x2="{WIDTH - RIGHT}" y2="{down:.1f}" '
                f'stroke="{EDGE}"/>{_text(left - 6, down + 4, f"{value:g}", "end")}'
            )
        base = HEIGHT - BOTTOM
        for value in ticks(self.right):
            self._parts.append(_text(self.at(value, 0)[0], base + 15, f"{value:g}", "middle"))
        self._parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, x, "middle"))
        self._parts.append(_text(LEFT - 6, TOP - 12, y, "start"))


def ticks(top: float) -> list[float]:
    """Up to six round whole numbers from 0 up."""
    raw = max(1.0, top / 5)
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * one for one in (1, 2, 5, 10) if size * one >= raw)
    return [round(step * n, 10) for n in range(int(top / step + 1e-9) + 1)]


def histogram(values: Sequence[float], most: float, bins: int = 10) -> str:
    """How many reached how much; what is above `most` counts in the last bar."""
    size = (most or 1.0) / bins
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int(value / size + 1e-9))] += 1
    figure = Figure("how many have how many points", most, max(counts), "points", "students")
    for index, count in enumerate(counts):
        left, right = index * size, (index + 1) * size
        if count:
            figure.bar(left, right, count, f"{count} from {left:.4g} to {right:.4g}")
    return figure.svg()


def _title(told: str) -> str:
    return f"<title>{html.escape(told)}</title>"


def _text(x: float, y: float, told: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="13" fill="{SOFT}" text-anchor="{anchor}">'
        f"{html.escape(told)}</text>"
    )
