"""Does a class whose workers are killed at random end with the same gradebook?

    .venv/bin/python bench/chaos.py [N] [--every SECONDS] [--seed S] [--json FILE]

N cheap hand-ins (right, wrong and empty ones) are graded by `skipgrade grade` undisturbed, then by
runs in which one worker after the other is killed (SIGKILL). The command is started again until
nothing is left, as a person would; then every row of both gradebooks is compared.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from grading import BIN, ENVIRONMENT, cheap
from surroundings import save

from skipgrade.classroom import release
from skipgrade.classroom.course import Course
from tests.classroom.conftest import ASSIGNMENT, submit

ANSWERS = ("2 * x", "x ** 3", None)
MOST_RUNS = 5


def class_of(count: int, folder: Path) -> Course:
    course = cheap(folder)
    release.generate(course, [ASSIGNMENT], lambda text: None)
    for number in range(count):
        submit(course, f"student-{number:03d}", ANSWERS[number % len(ANSWERS)])
    return course


def graded(course: Course) -> dict[tuple[str, str], tuple[Any, ...]]:
    """What the gradebook says of every cell of everybody."""
    with course.gradebook() as book:
        return {
            (submission.student.id, grade.name): (
                grade.auto_score,
                grade.manual_score,
                grade.needs_manual_grade,
            )
            for submission in book.assignment_submissions(ASSIGNMENT)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def run(course: Course, kill_every: float | None, dice: random.Random) -> dict[str, int]:
    """Grade until nothing is left; how often it was started, and how many workers were killed."""
    counts = {"runs": 0, "killed": 0}
    environment = dict(psutil.Process().environ()) | ENVIRONMENT
    for counts["runs"] in range(1, MOST_RUNS + 1):
        with (course.root / "chaos.log").open("a") as log:
            process = subprocess.Popen(
                [str(BIN / "skipgrade"), "grade", ASSIGNMENT],
                cwd=course.root,
                env=environment,
                stdout=log,
                stderr=log,
            )
            due = None
            while process.poll() is None:
                time.sleep(0.1)
                if kill_every is None or not (found := workers(process.pid)):
                    continue
                if due is not None and time.monotonic() > due:
                    dice.choice(found).kill()
                    counts["killed"] += 1
                    due = None
                due = due or time.monotonic() + kill_every * dice.uniform(0.5, 1.5)
        if process.returncode == 0:
            return counts
    told = (course.root / "chaos.log").read_text()[-3000:]
    sys.exit(f"{told}\nnot graded in {MOST_RUNS} runs")


def workers(command: int) -> list[psutil.Process]:
    """The processes that grade: forked from one that has their packages."""
    try:
        return [
            worker
            for child in psutil.Process(command).children()
            if "multiprocessing.forkserver" in " ".join(child.cmdline())
            for worker in child.children()
        ]
    except psutil.NoSuchProcess:
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("count", nargs="?", type=int, default=50)
    parser.add_argument("--every", type=float, default=20.0, help="seconds between kills")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=Path("build/chaos.json"))
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        quiet = class_of(arguments.count, Path(scratch, "quiet"))
        disturbed = class_of(arguments.count, Path(scratch, "disturbed"))
        run(quiet, None, dice)
        counts = run(disturbed, arguments.every, dice)
        one, other = graded(quiet), graded(disturbed)
    equal = one == other
    print(
        f"{arguments.count} hand-ins, {counts['killed']} workers killed, {counts['runs']} run(s): "
        f"{len(one)} entries, {'all equal' if equal else 'NOT EQUAL'}"
    )
    result = {"hand_ins": arguments.count, "entries": len(one), "equal": equal} | counts
    save(arguments.json, result)
    sys.exit(not equal)


if __name__ == "__main__":
    main()
