"""Both curves of every run in one picture: what was handed in, and what came of training again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skipgrade.classroom.audit import Audited
from skipgrade.classroom.audit.comparing import NOT_REPRODUCIBLE, PLAUSIBLE, REPRODUCED, RunVerdict
from skipgrade.classroom.errors import CourseError
from skipgrade.judging.printable import printable
from skipgrade.lab.history import History

COLOURS = {REPRODUCED: "#38761d", PLAUSIBLE: "#7f6000", NOT_REPRODUCIBLE: "#cc4125"}
ACROSS = 4  # panels in a row
PANEL = (3.4, 2.8)  # inches
LONGEST_NAME = 30


def draw(found: Sequence[Audited]) -> Figure:
    """A panel for each run that was trained again."""
    runs = [(one.student, run) for one in found for run in one.runs if run.trained]
    across = min(ACROSS, len(runs)) or 1
    down = -(-len(runs) // across) or 1
    figure = Figure(figsize=(PANEL[0] * across, PANEL[1] * down + 0.5), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False)
    for axes in panels.flat[len(runs) :]:
        axes.axis("off")
    for axes, (student, run) in zip(panels.flat, runs, strict=False):
        _panel(axes, student, run)
    if runs:
        handles, labels = panels.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _panel(axes: Axes, student: str, run: RunVerdict) -> None:
    for history, words, style, colour in (
        (run.claimed, "handed in", "-", "#0b5394"),
        (run.trained, "trained again", ".--", "#e69138"),
    ):
        if history is not None and history.epochs:
            axes.plot(history["epoch"], _percent(history), style, label=words, color=colour)
    title = f"{_short(student)}\n{_short(run.run)}: {run.verdict}"
    axes.set_title(title, fontsize=9, color=COLOURS.get(run.verdict, "#444444"), parse_math=False)
    axes.set_xlabel("epoch", fontsize=8)
    axes.set_ylabel("validation accuracy, %", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)


def _short(name: str) -> str:
    told = printable(name)
    return told if len(told) <= LONGEST_NAME else f"{told[: LONGEST_NAME - 1]}…"


def _percent(history: History) -> list[float]:
    return [100 * value for value in history["val_accuracy"]]


def write(found: Sequence[Audited], path: Path) -> None:
    try:
        draw(found).savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise CourseError(f"The figure could not be written to {path}: {error}.") from error
