"""[judge's kernel] Where two networks that compute different things are made differently: which
step, what stands there, and what belongs there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from skipgrade.judging.programs.steps import Step

NORMS = ("batch norm", "layer norm", "group norm", "instance norm")
WITH_WEIGHTS = ("convolution", "linear layer", *NORMS)
NUMBERED = (*WITH_WEIGHTS, "sum")
AT_THE_END = ("softmax", "log-softmax", "sigmoid", "ReLU", "tanh", "log-sigmoid")


@dataclass
class Found:
    """What belongs there, what stands there, and what to look at, if that is known."""

    expected: str
    got: str
    hint: str = ""
    look: str = ""  # what to look at where the check has no hint of its own


def first_difference(ours: Sequence[Step], theirs: Sequence[Step]) -> Found | None:
    """None where both take the same steps in the same order.

    Two branches may be computed in either order, so steps are counted before their order is looked
    at, those with weights first; of those there are too many or too few of, the first is named.
    """
    for kinds in (WITH_WEIGHTS[:2], WITH_WEIGHTS, None):
        chosen = [
            [index for index, step in enumerate(steps) if kinds is None or step.kind in kinds]
            for steps in (ours, theirs)
        ]
        if found := _counted(ours, theirs, *chosen):
            return found
    return _sizes(ours, theirs) or _connected(ours, theirs) or _shared(ours, theirs)


def _counted(
    ours: Sequence[Step], theirs: Sequence[Step], one: list[int], other: list[int]
) -> Found | None:
    """Of these steps, the first there is none of, or one too many."""
    due, odd = [ours[i].label for i in one], [theirs[j].label for j in other]
    missing, extra = Counter(due) - Counter(odd), Counter(odd) - Counter(due)
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, due, odd, autojunk=False).get_opcodes():
        lacking = [i for i in one[i1:i2] if ours[i].label in missing]
        superfluous = [j for j in other[j1:j2] if theirs[j].label in extra]
        if kind != "equal" and (lacking or superfluous):
            return _told(ours, theirs, lacking, superfluous)
    return None


def _told(
    ours: Sequence[Step], theirs: Sequence[Step], due: Sequence[int], odd: Sequence[int]
) -> Found:
    if due and odd:
        found = Found(_at(ours, due[0]), _at(theirs, odd[0]))
    elif due:
        found = Found(_at(ours, due[0]), f"no {ours[due[0]].kind} there")
    else:
        found = Found(f"no {theirs[odd[0]].kind} there", _at(theirs, odd[0]))
        found.hint = _why_not(theirs, odd[0])
    found.look = _look(ours, theirs, due, odd)
    counts = [sum(step.kind == "convolution" for step in steps) for steps in (ours, theirs)]
    if counts[0] != counts[1]:
        found.expected += f"; {counts[0]} convolutions in total"
        found.got += f"; {counts[1]} convolutions in total"
    return found


def _look(
    ours: Sequence[Step], theirs: Sequence[Step], due: Sequence[int], odd: Sequence[int]
) -> str:
    step = ours[due[0]] if due else theirs[odd[0]]
    if step.kind in ("convolution", "linear layer") and due and odd:
        return "channels, filters and strides, in the order of the text."
    if step.kind in ("convolution", "linear layer"):
        return "how many blocks are there, and which layers has each?"
    if "of each map" in step.kind or "pool" in step.kind:
        return "which pooling does the text ask for, and where?"
    return f"where does the text ask for {step.kind}, and where not?"


def _why_not(theirs: Sequence[Step], index: int) -> str:
    """What is known of a step that should not be there."""
    kind = theirs[index].kind
    scores = bool(index) and theirs[index - 1].kind == "linear layer"
    if scores and index == len(theirs) - 1 and kind in AT_THE_END:
        return "scores are raw: the loss function does the rest."
    if kind.startswith("dropout"):
        return "dropout is for training only: nn.Dropout, or training=self.training."
    return ""


def _at(steps: Sequence[Step], index: int) -> str:
    """The step and where it stands; what has a number of its own is named by it."""
    step = steps[index]
    if step.kind in WITH_WEIGHTS[:2]:
        return f"{_numbered(steps, index)}{step.label.removeprefix(step.kind)}"
    last = " as the last step" if index == len(steps) - 1 else ""
    return f"{step.label}{last or _after(steps, index)}"


def _after(steps: Sequence[Step], index: int) -> str:
    """The nearest step before it that has a number, along the way the maps take."""
    number = index
    while follows := steps[number].follows:
        if max(follows) == 0:
            return " before the first layer"
        number = max(follows) - 1
        if steps[number].kind in NUMBERED:
            break
    return f" after {_numbered(steps, number)}"


def _numbered(steps: Sequence[Step], index: int) -> str:
    kind = steps[index].kind
    return f"{kind} {sum(step.kind == kind for step in steps[: index + 1])}"


def _sizes(ours: Sequence[Step], theirs: Sequence[Step]) -> Found | None:
    """The first step of another size, where both take steps of the same kinds in order."""
    if [step.kind for step in ours] != [step.kind for step in theirs]:
        return None
    for index, (due, odd) in enumerate(zip(ours, theirs, strict=True)):
        if due.label != odd.label:
            return Found(_at(ours, index), _at(theirs, index))
    return None


def _connected(ours: Sequence[Step], theirs: Sequence[Step]) -> Found | None:
    """The first step that follows something else than it should."""
    due, odd = _links(ours), _links(theirs)
    missing, extra = Counter(due) - Counter(odd), Counter(odd) - Counter(due)
    left = Counter(due)
    for index, link in enumerate(odd):
        left[link] -= 1
        if link in extra and left[link] < 0:
            wanted = [n for n, one in enumerate(due) if one[0] == link[0] and one in missing]
            return Found(_follows(ours, wanted[0]), _follows(theirs, index)) if wanted else None
    return None


def _links(steps: Sequence[Step]) -> list[tuple[str, tuple[str, ...]]]:
    """Each step's label with the labels of those it follows."""
    return [
        (step.label, tuple(sorted(steps[n - 1].label if n else "the input" for n in step.follows)))
        for step in steps
    ]


def _follows(steps: Sequence[Step], index: int) -> str:
    before = [_numbered(steps, n - 1) if n else "the input" for n in steps[index].follows]
    return f"{_numbered(steps, index)} after {' and '.join(before)}"


def _shared(ours: Sequence[Step], theirs: Sequence[Step]) -> Found | None:
    """A layer of the student's that is used twice where ours has two."""
    uses = Counter(step.weights for step in ours if step.weights)
    seen: dict[tuple[int, ...], int] = {}
    for index, step in enumerate(theirs):
        if step.weights and step.weights in seen and max(uses.values(), default=1) == 1:
            name, first = _numbered(theirs, index), _numbered(theirs, seen[step.weights])
            return Found(f"separate weights for {name}", f"{name} with those of {first}")
        seen.setdefault(step.weights, index)
    return None
