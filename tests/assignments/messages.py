"""What a student is told of each single mistake, as a page to read line by line.

    python -m tests.assignments.messages [01 03 ...] > docs/messages.md

Only the cells that look at the mistake itself are judged. Needs no training, but several minutes.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from tests.assignments.mistakes import BANK, IDLE, NAMES
from tests.assignments.variants import Assignment


def rows(number: str) -> Iterator[str]:
    """Each mistake of an assignment: what it costs in its own cells, and every reason."""
    trial = Assignment(NAMES[number])
    idle = dict.fromkeys(IDLE.get(number, ()), "")
    for mistake in (one for one in BANK if one.number == number):
        changed = idle | trial.edited(mistake.cell, *mistake.pairs)
        found = trial.report(changed, only=mistake.own)
        yield f"\n### {mistake.story}\n"
        if all(verdict.share == 1 for verdict in found.values()):
            yield "**Costs nothing.**"
        for cell, verdict in found.items():
            lost = trial.points[cell] * (1 - verdict.share)
            if lost:
                seen = trial.errors.get(cell)
                yield f"- `{cell}`: {lost:.2f} of {trial.points[cell]:g} points"
                yield (
                    f"  - its visible part says: {_line(seen)}"
                    if seen
                    else ("  - its visible part says nothing")
                )
                yield from (f"  - {_line(reason)}" for reason in verdict.reasons)


def _line(told: object) -> str:
    return " / ".join(str(told).splitlines())


def main(numbers: list[str]) -> None:
    os.environ |= {"SKIPGRADE_DATASET": "builtin", "MPLBACKEND": "agg"}
    print("# What students are told of single mistakes\n")
    print("Written by `python -m tests.assignments.messages`.")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for number in numbers or NAMES:
            print(f"\n## {NAMES[number]}", flush=True)
            with contextlib.redirect_stdout(sys.stderr):
                told = list(rows(number))
            print("\n".join(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
