"""What grading a hand-in of 01 costs beside running it.

    .venv/bin/python bench/overhead.py [N] [--json FILE]

N and then 3 N right hand-ins are graded by `skipgrade grade` with one worker, so that nothing waits
for a core. The difference in processor time, for each of the 2 N more, is what one costs once
everything has started; off that go its own cells and the check of its accuracy.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from grading import BIN, ENVIRONMENT, hand_in, ours, shares
from surroundings import save
from tree import run

from skipgrade.classroom.sample import ASSIGNMENT

EVALUATION = "accuracy-test"


def graded(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        course = ours(Path(scratch, "course"))
        hand_in(course, count)
        log = Path(scratch, "log")
        command = [str(BIN / "skipgrade"), "grade", ASSIGNMENT, "--workers", "1"]
        used = run(command, course.root, log, **ENVIRONMENT)
        assert used["exit"] == 0, log.read_text()[-3000:]
        evaluation = shares(course, only=EVALUATION)["questions_s"]
        return {"cpu_s": used["cpu_s"], "evaluation_s": evaluation} | shares(course)


def measure(count: int) -> dict[str, Any]:
    few, many = graded(count), graded(3 * count)
    each = (many["cpu_s"] - few["cpu_s"]) / (2 * count)
    own, evaluation = many["own_cells_s"], many["evaluation_s"]
    rest = each - own - evaluation
    start = few["cpu_s"] - count * each
    print(f"{each:5.2f} s of CPU for a hand-in, once everything has started ({start:.1f} s)")
    print(f"{own:5.2f} s its own cells, {evaluation:.2f} s the evaluation of its accuracy")
    print(f"{rest:5.2f} s the rest")
    return {"few": few, "many": many, "cpu_each_s": each, "overhead_s": rest, "start_s": start}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("count", nargs="?", type=int, default=8)
    parser.add_argument("--json", type=Path, default=Path("build/bench-overhead.json"))
    arguments = parser.parse_args()
    found = measure(arguments.count)
    save(arguments.json, found)


if __name__ == "__main__":
    main()
