"""Assignment 06 on trial, and its solution with something in it changed."""

from __future__ import annotations

from tests.assignments.variants import Assignment

TRIAL = Assignment("06-depth-and-shortcuts")


def source(cell: str, *replaced: tuple[str, str]) -> str:
    """A cell of the solution with something in it changed."""
    code = TRIAL.cells[cell]
    for old, new in replaced:
        assert old in code, old
        code = code.replace(old, new)
    return code


TINY = {  # errors and matrices do not depend on what the networks are
    "nets": source("nets")
    + "\nNETS = {name: lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)) for name in NETS}"
}
