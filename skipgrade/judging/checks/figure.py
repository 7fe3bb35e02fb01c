"""[judge's kernel] Does a figure show what the text asks for?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from skipgrade.judging.checks.asking import NoAnswerError, ask_student
from skipgrade.judging.checks.compare import difference
from skipgrade.judging.checks.curve_names import exchanged, other_measure, wrongly_named
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.verdict import message

TOLERANCE = 2e-5  # less than what a history's numbers are moved by, see `watermark`
ROUNDED = 5e-3
Curves = Mapping[str, Any]  # the values of each curve
Curve = dict[str, Any]  # one that is drawn


@dataclass
class Asked:
    curves: int | Curves | None
    xlabel: bool
    ylabel: bool
    legend: bool
    length: int | str | None
    percent: bool = False


def check(trial: Trial, expression: str, asked: Asked, hint: str) -> str | None:
    expected = "a matplotlib figure"
    axes = ask_student(trial, expected, hint, "figure", expression=expression)
    if not _well_formed(axes):
        raise NoAnswerError(message(expected, "a malformed answer", hint))
    drawn = [ax for ax in axes if ax["drawn"]]
    if not drawn:
        return message("a figure with something drawn in it", "an empty one", hint)
    return (
        _labels(drawn, asked, hint)
        or _curves(trial, drawn, asked, hint)
        or _length(trial, drawn, asked.length, hint)
    )


def _well_formed(axes: Any) -> bool:
    keys = {"says", "xlabel", "ylabel", "legend", "curves", "dots", "drawn", "images"}
    return isinstance(axes, list) and all(
        isinstance(ax, dict)
        and set(ax) == keys
        and isinstance(ax["curves"], list)
        and isinstance(ax["dots"], list)
        and isinstance(ax["legend"], list)
        and isinstance(ax["says"], list)
        and all(
            isinstance(c, dict)
            and set(c) == {"label", "x", "y"}
            and all(isinstance(c[axis], list) for axis in "xy")
            for c in (*ax["curves"], *ax["dots"])
        )
        for ax in axes
    )


def _labels(drawn: list[dict[str, Any]], asked: Asked, hint: str) -> str | None:
    plots = [ax for ax in drawn if ax["curves"] or not ax["images"]]
    for name, wanted in (("xlabel", asked.xlabel), ("ylabel", asked.ylabel)):
        if wanted and any(not str(ax[name]).strip() for ax in plots):
            return message(f"a label on every {name[0]} axis", "an axis without one", hint)
    several = any(sum(len(ax[kind]) for ax in plots) > 1 for kind in ("curves", "dots"))
    if asked.legend and several and not any(ax["legend"] for ax in plots):
        return message("a legend that names the curves", "none", hint)
    return None


def _curves(trial: Trial, drawn: list[dict[str, Any]], asked: Asked, hint: str) -> str | None:
    curves = [curve for ax in drawn for curve in ax["curves"]]
    wanted = asked.curves
    if wanted is None:
        return None
    if isinstance(wanted, int):
        if len(curves) >= wanted:
            return None
        return message(f"at least {wanted} curves", f"{len(curves)}", hint)
    forms = {label: _forms(trial, label, values, asked, hint) for label, values in wanted.items()}
    dots = [some for ax in drawn for some in ax["dots"]]
    found = {
        label: [curve for curve in (*curves, *dots) if _is_one(curve, some)]
        for label, some in forms.items()
    }
    for label, some in found.items():
        if not some:
            near = any(_is_one(curve, forms[label], ROUNDED) for curve in (*curves, *dots))
            got = "one that is near: rounded, or of another run?" if near else "no such curve"
            return message(f"a curve with the values of {label}", got, hint)
        if not any(_goes_forward(curve["x"]) for curve in some):
            return message(f"the {label} from left to right", "a line that turns back", hint)
    return _names(found, drawn, asked.legend, hint) or _measures(found, drawn, hint)


def _measures(
    found: Mapping[str, list[Curve]], drawn: list[dict[str, Any]], hint: str
) -> str | None:
    """Whether a panel says that it shows the loss where it shows the accuracy, or the reverse, or
    has the labels of its two axes exchanged."""
    for ax in drawn:
        here = {id(curve) for curve in (*ax["curves"], *ax["dots"])}
        labels = [label for label, some in found.items() if here & {id(curve) for curve in some}]
        if labels and exchanged(str(ax["xlabel"]), str(ax["ylabel"])):
            labelled = f"{ax['xlabel']} and {ax['ylabel']}, exchanged"
            return message("each axis with the label of what it shows", labelled, hint)
        if told := other_measure([str(text) for text in ax["says"]], labels):
            shown, named = told
            return message(f"a panel with the {shown} to say so", f"one that says {named}", hint)
    return None


def _names(
    found: Mapping[str, list[Curve]], drawn: list[dict[str, Any]], legend: bool, hint: str
) -> str | None:
    """What is wrong with the names of the curves that were asked for."""
    asked_for = {id(curve) for some in found.values() for curve in some}
    forward = {
        label: [curve for curve in some if _goes_forward(curve["x"])]
        for label, some in found.items()
    }
    names = {label: [str(curve["label"]) for curve in some] for label, some in forward.items()}
    for label, some in forward.items():
        same = {id(curve) for curve in found[label]}
        namesakes = [_namesakes(curve, drawn) for curve in some]
        if wrongly_named(label, names):
            return message(f"the {label} under its own name", f"the name {names[label][0]}", hint)
        if all(others - asked_for for others in namesakes):
            return message(f"one line for the {label}", "two lines with its name", hint)
        if legend and all(others - same for others in namesakes):
            wanted = "a legend that tells the curves apart"
            return message(wanted, f"several called {names[label][0]}", hint)
    return None


def _namesakes(curve: Curve, drawn: list[dict[str, Any]]) -> set[int]:
    """The other lines next to it (their ids) that have the same name in the legend."""
    shown = [[*ax["curves"], *ax["dots"]] for ax in drawn]
    (together,) = [some for some in shown if any(one is curve for one in some)]
    name = str(curve["label"])
    if not name or name.startswith("_"):  # no name at all, for matplotlib
        return set()
    return {id(one) for one in together if one is not curve and one["label"] == name}


def _forms(trial: Trial, label: str, values: Any, asked: Asked, hint: str) -> list[Any]:
    """The values of a curve, and those in percent where the text allows it."""
    if isinstance(values, str):
        expected = f"the values behind '{label}'"
        values = ask_student(trial, expected, hint, "value", expression=values, arrays={})
    listed = _listed(values)
    return [listed, [100 * value for value in listed]] if asked.percent else [listed]


def _is_one(curve: Curve, forms: list[Any], tolerance: float = TOLERANCE) -> bool:
    return any(difference(form, curve["y"], tolerance) is None for form in forms)


def _goes_forward(x: list[Any]) -> bool:
    """Each point is to the right of the one before it, as one epoch comes after another."""
    return all(
        isinstance(one, float) and isinstance(other, float) and one < other
        for one, other in pairwise(x)
    )


def _listed(values: Any) -> Any:
    return values.tolist() if hasattr(values, "tolist") else list(values or [])


def _length(
    trial: Trial, drawn: list[dict[str, Any]], length: int | str | None, hint: str
) -> str | None:
    if isinstance(length, str):
        length = ask_student(
            trial, "the number of points", hint, "value", expression=length, arrays={}
        )
    if length is None:
        return None
    for curve in (curve for ax in drawn for curve in ax["curves"]):
        if len(curve["y"]) != length:
            return message(f"{length} points on every curve", f"{len(curve['y'])}", hint)
    return None
