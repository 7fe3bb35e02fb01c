"""[judge's kernel] Why the student's code gave no answer: the exception, and what is behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skipgrade.judging.judge.answerers import NotebookCodeError
from skipgrade.judging.stopped_cells import (
    UNFILLED,
    StoppedCell,
    cell_behind,
    is_stub,
    missing_name,
)

NO_FORWARD = "is it spelled `forward`, and indented as a method of the class?"
SPELLING = "is its cell filled in, and the name spelled as the text says?"
KNOWN = [  # what an exception's text says, and what to look at
    (
        r"shapes cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)",
        "a linear layer was made for {1} numbers an image, and gets {0}.",
    ),
    (
        r"expected input\[.*\] to have (\d+) channels, but got (\d+) channels",
        "a convolution was made for {0} channels, and gets {1}.",
    ),
    (
        r"running_mean should contain (\d+) elements not (\d+)",
        "a batch norm was made for {1} channels, and gets {0}.",
    ),
    (
        r"The size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)",
        "two tensors that are put together do not have the same shape: {0} against {1}.",
    ),
    (r"'NoneType' object", "something here is None: does a function lack its `return`?"),
    (
        r"Boolean value of Tensor with more than one value",
        "a tensor where True or False belongs: is a class called with tensors, as in "
        "nn.CrossEntropyLoss(scores, labels)? Make one first: nn.CrossEntropyLoss().",
    ),
    (r"calling it gives a NoneType", "a function without `return` gives None."),
    (r"before Module\.__init__\(\) call", "super().__init__() comes first in __init__."),
    (r"is a NoneType, which cannot be called", "a function without `return` gives None."),
]


def why_not(error: NotebookCodeError, stopped: Sequence[StoppedCell]) -> tuple[str, str | None]:
    """What came instead of an answer, and what to look at; None where the check's own hint will do.

    A name that is missing because a cell stopped is told with what that cell raised.
    """
    name = missing_name(error.kind, error.message)
    if name and (behind := cell_behind(name, stopped)):
        return f"`{name}` is not defined: {behind.describe()}", "that cell, before this one."
    if name:
        near = f" The notebook has `{error.near}`." if error.near else ""
        return f"NameError: `{name}` is not defined{_at(error)}", SPELLING + near
    if is_stub(error.kind, error.message):
        return f"a stub that is not filled in{_at(error)}", ""
    told, known = error.message, _known(error.message)
    if error.kind == UNFILLED:  # torch's own: told in the first of its many sentences
        told = re.split(r"\.\s", told, maxsplit=1)[0]
        known = NO_FORWARD if re.search(r"\bforward\b", told) else known
    got = f"{error.kind}: {told}" if told else error.kind
    return got + _at(error), known


def _at(error: NotebookCodeError) -> str:
    return f" (at the line: {error.line})" if error.line else ""


def _known(told: str) -> str | None:
    for pattern, hint in KNOWN:
        if found := re.search(pattern, told):
            return hint.format(*found.groups())
    return None
