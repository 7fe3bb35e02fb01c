"""[judge's kernel, student's kernel] What a matplotlib figure shows, as plain data."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from skipgrade.judging.questions.values import evaluate

POINTS = 10_000
TITLES = ("left", "center", "right")


def figure(namespace: dict[str, Any], expression: str) -> list[dict[str, Any]]:
    """One entry for each axes of the figure (or of the axes) `expression` gives."""
    drawn = evaluate(namespace, expression, {})
    if hasattr(drawn, "get_axes") and not hasattr(drawn, "get_lines"):
        axes = list(drawn.get_axes())
    else:
        axes = list(np.ravel(np.asarray(drawn, dtype=object)))
    if not all(hasattr(ax, "get_lines") for ax in axes):
        raise TypeError(f"this is a {type(drawn).__name__}, not a matplotlib figure")
    described = [_describe(ax) for ax in axes]
    for shown in {ax.figure.figure for ax in axes}:  # a subfigure's figure is the whole one
        plt.close(shown)  # or the kernel would draw it, for nobody
    return described


def _describe(ax: Any) -> dict[str, Any]:
    legends = [legend for legend in (ax.get_legend(), *ax.figure.figure.legends) if legend]
    return {
        "says": [*(ax.get_title(place) for place in TITLES), ax.get_ylabel()],
        "xlabel": _label(ax, "x"),
        "ylabel": _label(ax, "y"),
        "legend": [text.get_text() for legend in legends for text in legend.get_texts()],
        "curves": [
            _curve(line, _name(line, ax)) for line in ax.get_lines() if len(line.get_xdata()) > 0
        ],
        "dots": [_dots(one) for one in ax.collections if isinstance(one, PathCollection)],
        "drawn": bool(ax.has_data()),
        "images": len(ax.get_images()),
    }


def _label(ax: Any, axis: str) -> str:
    """Its own; or that of panels which share the axis, or of the whole figure."""
    panels = [ax, *getattr(ax, f"get_shared_{axis}_axes")().get_siblings(ax)]
    own = [getattr(panel, f"get_{axis}label")() for panel in panels]
    whole = [getattr(ax.figure, f"get_sup{axis}label")()]
    return next((text for text in own + whole if text.strip()), "")


def _name(line: Any, ax: Any) -> str:
    """What the legend calls it, where one line alone looks as the legend says; else its label."""
    together = [
        one for one in ax.figure.axes if one.get_position().bounds == ax.get_position().bounds
    ]
    if sum(_looks(one) == _looks(line) for each in together for one in each.get_lines()) == 1:
        legends = [one.get_legend() for one in (ax, *together)] + list(ax.figure.legends)
        for legend in filter(None, legends):
            shown = zip(legend.legend_handles, legend.get_texts(), strict=False)
            names = {text.get_text() for handle, text in shown if _looks(handle) == _looks(line)}
            if len(names) == 1:
                return str(names.pop())
    return str(line.get_label())


def _looks(line: Any) -> tuple[Any, ...]:
    """Nothing where it is not a line."""
    if not hasattr(line, "get_linestyle") or not hasattr(line, "get_marker"):
        return ()
    return to_hex(line.get_color(), keep_alpha=True), line.get_linestyle(), line.get_marker()


def _curve(line: Any, name: str) -> dict[str, Any]:
    x = np.asarray(line.get_xdata(orig=False), dtype=float)  # numbers, for names of epochs too
    y = np.asarray(line.get_ydata(), dtype=float)
    return {"label": name, "x": x[:POINTS].tolist(), "y": y[:POINTS].tolist()}


def _dots(drawn: Any) -> dict[str, Any]:
    """Of a scatter plot, which shows the same as a curve."""
    places = np.asarray(np.ma.filled(drawn.get_offsets(), np.nan), dtype=float)[:POINTS]
    label = str(drawn.get_label())
    return {"label": label, "x": places[:, 0].tolist(), "y": places[:, 1].tolist()}
