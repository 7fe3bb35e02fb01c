"""What a student is told of each single mistake, as a page to read line by line.

    make messages        (or python -m tests.assignments.messages > docs/messages.md)

Only the cells that look at the mistake itself are judged: no kernel, no training.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

import torch

from skipgrade.judging.verdict import Reason
from tests.assignments.mistakes import BANK, IDLE, NAMES, Mistake
from tests.assignments.variants import Assignment

HEAD = """# What students are told of single mistakes

Written by `make messages` from the bank in `tests/assignments/mistakes/`, in each of which one thing
of the solution is changed. *Notebook* is what the visible part of the test cell says, while the
student works; what follows is the feedback after grading, one reason a line. Read it as a student
who has to find the fault from it alone.
"""
TABLE = "\n| mistake | cell | loses | what the student reads |\n|---|---|---:|---|"


def rows(number: str, bank: list[Mistake]) -> Iterator[str]:
    """A row of the table for each mistake of an assignment and cell that it costs points."""
    trial = Assignment(NAMES[number])
    idle = dict.fromkeys(IDLE.get(number, ()), "")
    for mistake in bank:
        torch.manual_seed(0)
        changed = idle | trial.edited(mistake.cell, *mistake.pairs)
        found = trial.report(changed, only=mistake.own)
        if all(verdict.share == 1 for verdict in found.values()):
            yield _row(mistake.story, "", "0", "nothing: it costs no point")
        for cell, verdict in found.items():
            lost = trial.points[cell] * (1 - verdict.share)
            if lost:
                seen = trial.errors.get(cell)
                told = [f"*Notebook*: {_line(seen)}"] if seen else []
                told += [_reason(one) for one in verdict.reasons]
                share = f"{lost:.3g} of {trial.points[cell]:g}"
                yield _row(mistake.story, f"`{cell}`", share, "<br>".join(told))


def _reason(told: str) -> str:
    one = Reason.of(told)
    if not one.expected:
        return _line(one)
    look = f" *Hint*: {_line(one.hint)}" if one.hint else ""
    return f"*Expected*: {_line(one.expected)}. *Got*: {_line(one.got)}.{look}"


def _line(told: object) -> str:
    said = f"{type(told).__name__}: {told}" if isinstance(told, Exception) else str(told)
    said = said.removeprefix("AssertionError: ") or "an assert fails"
    for plain, escaped in (("|", "\\|"), ("*", "\\*"), ("<", "&lt;")):
        said = said.replace(plain, escaped)
    return " / ".join(said.splitlines())


def _row(*fields: str) -> str:
    return f"| {' | '.join(fields)} |"


@contextlib.contextmanager
def in_an_empty_folder() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        yield


def main() -> None:
    os.environ |= {"SKIPGRADE_DATASET": "builtin", "MPLBACKEND": "agg"}
    print(HEAD, end="")
    with in_an_empty_folder():
        for number, name in NAMES.items():
            bank = [mistake for mistake in BANK if mistake.number == number]
            with contextlib.redirect_stdout(sys.stderr):
                told = list(rows(number, bank))
            print(f"\n## {name}", TABLE, *told, sep="\n", flush=True)


if __name__ == "__main__":
    main()
