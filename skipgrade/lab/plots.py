"""The course's figures. Each has titles, axis labels and a legend, and prints well in grey."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from torch import nn

from skipgrade.lab.errors import LabError
from skipgrade.lab.history import History

COLOURS = ("#0b5394", "#cc4125", "#38761d", "#8e44ad", "#b45f06", "#134f5c", "#741b47", "#666666")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


class _ShownOnce(Figure):
    """Jupyter shows a pyplot figure when its cell ends; as the cell's value it would come twice."""

    def _ipython_display_(self) -> None:
        plt.close(self)  # shown here and now, so not again at the end of the cell
        raise NotImplementedError  # have IPython display it the usual way


def plot_history(*histories: History, metrics: Sequence[str] = ("loss", "accuracy")) -> Figure:
    """Training (dashed) and validation (solid) curves by epoch, one panel a metric."""
    if not histories:
        raise LabError("plot_history needs at least one history, as lab.fit returns it.")
    figure, panels = _panels(len(metrics))
    for metric, axes in zip(metrics, panels, strict=True):
        for history, colour, marker in _styles(histories):
            for part, line, mark in (("train", "--", None), ("val", "-", marker)):
                label = "training" if part == "train" else "validation"
                if len(histories) > 1:
                    label = f"{history.name}, {label}"
                axes.plot(
                    history["epoch"],
                    history[f"{part}_{metric}"],
                    line,
                    color=colour if len(histories) > 1 or part == "val" else COLOURS[1],
                    marker=mark,
                    markevery=max(1, len(history) // 10),
                    markersize=4,
                    label=label,
                )
        _finish(axes, title=metric.capitalize(), xlabel="epoch", ylabel=metric)
    figure.suptitle(", ".join(history.name for history in histories), fontsize=11)
    return figure


def plot_sweep(
    results: Mapping[Any, History],
    *,
    metric: str = "val_accuracy",
    label: str = "setting",
    title: str | None = None,
) -> Figure:
    """One curve a setting by epoch, and the best value of each next to it."""
    if not results:
        raise LabError("plot_sweep needs at least one run: a dict of label and history.")
    figure, (curves, bars) = _panels(2)
    pretty = metric.replace("val_", "validation ").replace("train_", "training ").replace("_", " ")
    pick = min if "loss" in metric else max
    for (key, history), (_, colour, marker) in zip(
        results.items(), _styles(tuple(results.values())), strict=True
    ):
        curves.plot(
            history["epoch"], history[metric], color=colour, marker=marker, markersize=4,
            label=f"{key}" if history.epochs else f"{key} (diverged)",
        )  # fmt: skip
    best = [pick(history[metric], default=0.0) for history in results.values()]
    positions = range(len(results))
    drawn = bars.bar(positions, best, color=[c for _, c in zip(best, cycle(COLOURS), strict=False)])
    texts = [
        _value(metric, value) if history.epochs else "diverged"
        for value, history in zip(best, results.values(), strict=True)
    ]
    bars.bar_label(drawn, labels=texts, padding=2, fontsize=8)
    bars.set_xticks(positions, [str(key) for key in results], rotation=45, ha="right")
    _finish(curves, title="Every epoch", xlabel="epoch", ylabel=pretty, legend=label)
    _finish(bars, title="Best epoch", xlabel=label, ylabel=f"best {pretty}", legend=None)
    bars.margins(y=0.12)
    figure.suptitle(title or f"{pretty.capitalize()} by {label}", fontsize=11)
    return figure


def plot_confusion(
    counts: torch.Tensor | np.ndarray | tuple[torch.Tensor, torch.Tensor],
    classes: Sequence[str],
) -> Figure:
    """How often each true class (row) was taken for each class (column), in percent of the row.

    Takes a matrix of counts, or the pair (scores, labels) that `predictions` returns.
    """
    matrix = _confusion(counts, len(classes))
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = 6.0 if len(classes) <= 20 else 9.0
    figure, axes = plt.subplots(
        figsize=(side * 1.15, side), layout="constrained", FigureClass=_ShownOnce
    )
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= 20:
        axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
        axes.set_yticks(range(len(classes)), classes)
        for row, column in np.ndindex(*shares.shape):
            share = shares[row, column]
            if share >= 0.005:
                axes.text(
                    column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8,
                    color="white" if share > 0.5 else "black", in_layout=False,
                )  # fmt: skip
    right = np.trace(matrix) / max(matrix.sum(), 1)
    axes.set(
        xlabel="predicted class",
        ylabel="true class",
        title=f"Confusion matrix: {right:.1%} of {int(matrix.sum())} images right",
    )
    bar = figure.colorbar(image, ax=axes, format=PercentFormatter(1), shrink=0.8)
    bar.set_label("share of the true class")
    return figure


def plot_images(
    images: torch.Tensor,
    labels: Sequence[int] | torch.Tensor | None = None,
    classes: Sequence[str] | None = None,
) -> Figure:
    """Up to 32 images [n, 3, h, w] in a grid, bytes or floats; floats are stretched to be seen."""
    shown = images[:32].detach().cpu()
    if shown.ndim != 4 or shown.shape[1] != 3:
        raise LabError(f"plot_images takes a tensor [n, 3, h, w], not {list(images.shape)}.")
    if shown.dtype != torch.uint8:
        low = shown.amin((1, 2, 3), keepdim=True)
        shown = (shown - low) / (shown.amax((1, 2, 3), keepdim=True) - low).clamp(min=1e-8)
    columns = min(8, len(shown))
    rows = -(-len(shown) // columns)
    tall = shown.shape[2] / shown.shape[3]  # an image is 1 wide, and has its name above it
    high = tall if labels is None else tall + 0.18
    figure = plt.figure(figsize=(1.25 * columns, 1.25 * high * rows), FigureClass=_ShownOnce)
    axes = figure.add_axes((0, 0, 1, 1))  # one for all: an axes an image takes seconds to lay out
    for number, image in enumerate(shown):
        left, bottom = number % columns, (number // columns + 1) * high
        inside = (left + 0.03, left + 0.97, bottom - 0.03, bottom - tall + 0.03)
        axes.imshow(image.permute(1, 2, 0).numpy(), extent=inside)
        if labels is not None:
            label = int(labels[number])
            name = classes[label] if classes else str(label)
            axes.text(left + 0.5, inside[3] - 0.02, name, ha="center", va="bottom", fontsize=8)
    axes.set(xlim=(0, columns), ylim=(rows * high, 0))
    axes.axis("off")
    return figure


def plot_weights(models: Mapping[str, nn.Module]) -> Figure:
    """Histograms of all weights (not biases or norm layers) of each model, on one scale."""
    if not models:
        raise LabError("plot_weights needs at least one model: a dict of label and model.")
    values = {label: _weights(model) for label, model in models.items()}
    reach = max(float(np.abs(some).max()) for some in values.values()) or 1.0
    edges = np.linspace(-reach, reach, 102).tolist()
    figure, axes = plt.subplots(figsize=(6.5, 4), layout="constrained", FigureClass=_ShownOnce)
    for (label, some), colour, line in zip(
        values.items(), cycle(COLOURS), cycle(("-", "--", "-.", ":")), strict=False
    ):
        near_zero = np.mean(np.abs(some) < 1e-3)
        axes.hist(
            some, edges, histtype="step", color=colour, linestyle=line,
            linewidth=1.6, label=f"{label} ({near_zero:.0%} below 0.001)",
        )  # fmt: skip
    axes.set_yscale("log")
    _finish(axes, title="Weights", xlabel="weight", ylabel="number of weights", whole=False)
    return figure


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    figure, grid = plt.subplots(
        1, count, figsize=(5.2 * count, 3.8), squeeze=False,
        layout="constrained", FigureClass=_ShownOnce,
    )  # fmt: skip
    return figure, list(grid.flat)


def _styles(histories: Sequence[History]) -> list[tuple[History, str, str]]:
    return list(zip(histories, cycle(COLOURS), cycle(MARKERS), strict=False))


def _finish(
    axes: Axes,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    legend: str | None = "",
    whole: bool = True,
) -> None:
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    if whole and legend is not None:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if "accuracy" in ylabel:
        axes.yaxis.set_major_formatter(PercentFormatter(1))  # as many decimals as the ticks need
    if legend is not None:
        box = axes.legend(title=legend or None, fontsize=8, title_fontsize=8)
        if len(box.get_texts()) > 5:  # too many to lie among the curves
            box.set_loc("center left")
            box.set_bbox_to_anchor((1.0, 0.5))


def _value(metric: str, value: float) -> str:
    return f"{value:.1%}" if "accuracy" in metric else f"{value:.3f}"


def _confusion(
    counts: torch.Tensor | np.ndarray | tuple[torch.Tensor, torch.Tensor], size: int
) -> np.ndarray:
    if isinstance(counts, tuple):
        scores, labels = (torch.as_tensor(part).cpu() for part in counts)
        found = scores.argmax(1) if scores.ndim == 2 else scores
        pairs = labels.long() * size + found.long()
        return torch.bincount(pairs, minlength=size * size).view(size, size).numpy()
    matrix = np.asarray(counts)
    if matrix.shape != (size, size):
        raise LabError(
            f"The confusion matrix has shape {list(matrix.shape)}, but there are {size} classes."
        )
    return matrix


def _weights(model: nn.Module) -> np.ndarray:
    parts = [p.detach().cpu().float().flatten() for p in model.parameters() if p.ndim > 1]
    if not parts:
        raise LabError(f"{type(model).__name__} has no weight matrices to plot.")
    return torch.cat(parts).numpy()
