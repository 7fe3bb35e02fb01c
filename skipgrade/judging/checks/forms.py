"""[judge's kernel] What an answer is built of, so that a hidden test never trips over an odd one.

A form is a type, or a list: [float] stands for any number of numbers, [float, Tensor] for these
two alone.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

Form = Any
LARGEST = 2**53  # a whole number that is a float, too
NAMES: dict[type, str] = {
    float: "a number",
    int: "a whole number",
    bool: "True or False",
    str: "text",
    Tensor: "a tensor",
}


def fits(got: Any, form: Form) -> bool:
    """Whether `got` is built so. A whole number is a number, True is not; a tuple is a list."""
    if isinstance(form, list):
        if not isinstance(got, (list, tuple)) or (len(form) > 1 and len(got) != len(form)):
            return False
        forms = form if len(form) > 1 else form * len(got)
        return all(fits(one, what) for one, what in zip(got, forms, strict=True))
    if form is float:
        return isinstance(got, float) or (fits(got, int) and abs(got) < LARGEST)
    if form is int:
        return isinstance(got, int) and not isinstance(got, bool)
    return isinstance(got, form)


def told(form: Form) -> str:
    """The form in words."""
    if not isinstance(form, list):
        return NAMES[form]
    if all(part == form[0] for part in form):
        count = f" of {len(form)}" if len(form) > 1 else ""
        return f"a list{count}, each entry {told(form[0])}"
    return f"a list of {', '.join(map(told, form[:-1]))} and {told(form[-1])}"
