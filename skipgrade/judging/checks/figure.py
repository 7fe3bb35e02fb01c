"""[judge's kernel] Does a figure show what the text asks for?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from skipgrade.judging.checks.asking import NoAnswerError, ask_student
from skipgrade.judging.checks.compare import difference
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.verdict import message

TOLERANCE = 2e-5  # less than what a history's numbers are moved by, see `watermark`
Curves = Mapping[str, Any]  # the values of each curve


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
    keys = {"title", "xlabel", "ylabel", "legend", "curves", "drawn", "images"}
    return isinstance(axes, list) and all(
        isinstance(ax, dict)
        and set(ax) == keys
        and isinstance(ax["curves"], list)
        and isinstance(ax["legend"], list)
        and all(
            isinstance(c, dict)
            and set(c) == {"label", "x", "y"}
            and all(isinstance(c[axis], list) for axis in "xy")
            for c in ax["curves"]
        )
        for ax in axes
    )


def _labels(drawn: list[dict[str, Any]], asked: Asked, hint: str) -> str | None:
    plots = [ax for ax in drawn if ax["curves"] or not ax["images"]]
    for name, wanted in (("xlabel", asked.xlabel), ("ylabel", asked.ylabel)):
        if wanted and any(not str(ax[name]).strip() for ax in plots):
            return message(f"a label on every {name[0]} axis", "an axis without one", hint)
    several = sum(len(ax["curves"]) for ax in plots) > 1
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
    known = [curve for curve in curves if any(_is_one(curve, some) for some in forms.values())]
    for label in wanted:
        found = [curve for curve in known if _is_one(curve, forms[label])]
        if not found:
            return message(f"a curve with the values of {label}", "no such curve", hint)
        if not (found := [curve for curve in found if _goes_forward(curve["x"])]):
            return message(f"the {label} from left to right", "a line that turns back", hint)
        if all(_belongs_to_another(str(c["label"]), label, wanted) for c in found):
            return message(f"the {label} under its own name", f"the name {found[0]['label']}", hint)
        if all(_shares_its_name(c, drawn, known) for c in found):
            return message(f"one line for the {label}", "two lines with its name", hint)
    return None


def _forms(trial: Trial, label: str, values: Any, asked: Asked, hint: str) -> list[Any]:
    """The values of a curve, and those in percent where the text allows it."""
    if isinstance(values, str):
        expected = f"the values behind '{label}'"
        values = ask_student(trial, expected, hint, "value", expression=values, arrays={})
    listed = _listed(values)
    return [listed, [100 * value for value in listed]] if asked.percent else [listed]


def _is_one(curve: dict[str, Any], forms: list[Any]) -> bool:
    return any(difference(form, curve["y"], TOLERANCE) is None for form in forms)


def _goes_forward(x: list[Any]) -> bool:
    """Each point is to the right of the one before it, as one epoch comes after another."""
    return all(
        isinstance(one, float) and isinstance(other, float) and one < other
        for one, other in pairwise(x)
    )


def _belongs_to_another(shown: str, label: str, labels: Curves) -> bool:
    """Whether a curve bears the first word of another label and not of its own."""
    words = {name: name.split()[0].lower() for name in labels}
    others = [word for name, word in words.items() if name != label and word != words[label]]
    return words[label] not in shown.lower() and any(word in shown.lower() for word in others)


def _shares_its_name(
    curve: dict[str, Any], drawn: list[dict[str, Any]], known: list[dict[str, Any]]
) -> bool:
    """Whether a line next to it that nobody asked for has the same name in the legend."""
    (together,) = [ax["curves"] for ax in drawn if any(c is curve for c in ax["curves"])]
    return bool(curve["label"]) and any(
        other["label"] == curve["label"] and all(other is not c for c in known)
        for other in together
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
