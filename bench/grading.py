"""How long a class takes: stock nbgrader against `skipgrade grade`, in the same run.

    .venv/bin/python bench/grading.py [N] [--rounds R] [--json FILE]
    .venv/bin/python bench/grading.py --scale 10 100 1000 [--workers W]

The first grades N hand-ins of assignment 01 by stock `nbgrader autograde` and by `skipgrade grade`,
in turn. Stock has its own configuration, cold kernels, and the same tests in ordinary form: they
run in the student's kernel, where both sides of a check are the notebook itself. All hand-ins are
the sample class's right one (in stock's form a wrong answer would be compared with itself), and the
automatic scores of both gradebooks are compared cell by cell.

The second grades cheap hand-ins (one small function) by `skipgrade grade` alone, for class sizes as
given: is the time from one result to the next the same, and the memory of the coordinating process
flat?
"""

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from surroundings import save
from tree import run

from skipgrade.classroom import demo, release, sample
from skipgrade.classroom.course import CONFIG_FILE, Course
from skipgrade.classroom.record import Record
from skipgrade.classroom.sample import ASSIGNMENT, HERE, SAMPLES, unpack
from skipgrade.judging.grader.matching import grade_id
from tests.classroom.conftest import ASSIGNMENT as CHEAP
from tests.classroom.conftest import new_course, submit

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
ENVIRONMENT = {
    "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", "")]),
    "SKIPGRADE_DATASET": "builtin",
    "OMP_NUM_THREADS": "1",
}
STOCK_CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "stock"\nc.Execute.timeout = 300\n'
IN_KERNEL = """### BEGIN HIDDEN TESTS
import os as _os
_mode = _os.environ.pop("NBGRADER_EXECUTION", None)
{}
if _mode: _os.environ["NBGRADER_EXECUTION"] = _mode
### END HIDDEN TESTS"""
Scores = dict[tuple[str, str], float | None]


def ours(folder: Path) -> Course:
    course = demo.new_course(ROOT, folder)
    release.generate(course, [ASSIGNMENT], lambda text: None)
    return course


def stock(folder: Path) -> Course:
    """The same assignment for an nbgrader that knows nothing of us."""
    course = demo.new_course(ROOT, folder)
    (folder / "nbgrader_config.py").write_text(STOCK_CONFIG)
    path = course.folder("source", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        begin, found, rest = cell.source.partition("### BEGIN HIDDEN TESTS\n")
        if found:
            hidden, _, after = rest.partition("### END HIDDEN TESTS")
            cell.source = begin + IN_KERNEL.format(hidden.rstrip()) + after
    nbformat.write(notebook, path)
    command = [str(BIN / "nbgrader"), "generate_assignment", ASSIGNMENT]
    done = run(command, folder, folder / "release.log", **ENVIRONMENT)
    assert done["exit"] == 0, (folder / "release.log").read_text()
    return Course(folder)


def hand_in(course: Course, count: int) -> None:
    text = nbformat.writes(sample.notebook(course, SAMPLES[0]))
    for number in range(count):
        folder = course.folder("submitted", ASSIGNMENT, f"student-{number:04d}")
        folder.mkdir(parents=True)
        (folder / f"{ASSIGNMENT}.ipynb").write_text(text)
        unpack(HERE / "trained" / "correct", folder)


def scores(course: Course) -> Scores:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as book:
        return {
            (submission.student_id, grade.cell.name): grade.auto_score
            for submission in book.assignment_submissions(ASSIGNMENT)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def compare(count: int, rounds: int) -> dict[str, Any]:
    """Both, in turn; a fresh course each time."""
    found: list[dict[str, Any]] = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as scratch:
            kinds = {"stock nbgrader": stock, "skipgrade": ours}
            commands = {
                "stock nbgrader": [str(BIN / "nbgrader"), "autograde", ASSIGNMENT],
                "skipgrade": [str(BIN / "skipgrade"), "grade", ASSIGNMENT],
            }
            results: dict[str, Any] = {"round": number + 1}
            verdicts = {}
            for kind, make in kinds.items():
                course = make(Path(scratch, kind.split()[0]))
                hand_in(course, count)
                log = Path(scratch, f"{kind.split()[0]}.log")
                results[kind] = run(commands[kind], course.root, log, **ENVIRONMENT)
                verdicts[kind] = scores(course)
                assert results[kind]["exit"] == 0, log.read_text()[-3000:]
                show(kind, results[kind], count)
            results["of_which"] = shares(course)
            results["verdicts"] = len(verdicts["skipgrade"])
            results["equal"] = verdicts["skipgrade"] == verdicts["stock nbgrader"]
            ratio = results["stock nbgrader"]["wall_s"] / results["skipgrade"]["wall_s"]
            results["times_faster"] = round(ratio, 2)
            print(
                f"  {ratio:.1f} times as fast; {results['verdicts']} scores "
                f"{'equal' if results['equal'] else 'NOT EQUAL'}; with us a submission's own cells "
                "took {own_cells_s} s, what it was asked {questions_s} s".format(
                    **results["of_which"]
                ),
                flush=True,
            )
            found.append(results)
    return {"hand_ins": count, "rounds": found}


def shares(course: Course, only: str | None = None) -> dict[str, float]:
    """Seconds a submission's own cells ran, and seconds it was asked (both kernels), on average;
    of all cells or of one.
    """
    own, asked, count = 0.0, 0.0, 0
    for path in course.root.glob(f"autograded/*/{ASSIGNMENT}/*.ipynb"):
        count += 1
        for cell in nbformat.read(path, as_version=4).cells:
            if only not in (None, grade_id(cell)):
                continue
            if times := cell.metadata.get("execution"):
                first, last = times["iopub.status.busy"], times["shell.execute_reply"]
                own += (
                    datetime.fromisoformat(last) - datetime.fromisoformat(first)
                ).total_seconds()
            asked += cell.metadata.get("skipgrade", {}).get("seconds", 0.0)
    return {"own_cells_s": round(own / count, 2), "questions_s": round(asked / count, 2)}


def cheap(folder: Path) -> Course:
    """One small function, judged like everything else."""
    course = new_course(folder)
    shutil.copy(ROOT / CONFIG_FILE, folder)
    path = course.folder("source", CHEAP) / f"{CHEAP}.ipynb"
    text = path.read_text().replace(
        "assert double(21) == 42", r"from skipgrade.judging import check\ncheck.equal('double(21)')"
    )
    path.write_text(text)
    return course


def hand_in_cheaply(course: Course, count: int) -> str:
    """Everybody the same file; gives the name of the first."""
    first = submit(course, "student-00000", "2 * x")
    for number in range(1, count):
        folder = course.folder("submitted", CHEAP, f"student-{number:05d}")
        folder.mkdir(parents=True)
        shutil.copy(first, folder)
    return "student-00000"


def scale(counts: list[int], workers: int | None) -> list[dict[str, Any]]:
    found = []
    for count in counts:
        with tempfile.TemporaryDirectory() as scratch:
            course = cheap(Path(scratch, "course"))
            release.generate(course, [CHEAP], lambda text: None)
            hand_in_cheaply(course, count)
            log = Path(scratch, "log")
            command = [str(BIN / "skipgrade"), "grade", CHEAP]
            command += [] if workers is None else ["--workers", str(workers)]
            with pace(Record(course.root, CHEAP).folder) as moments:
                result = run(command, course.root, log, **ENVIRONMENT)
            assert result["exit"] == 0, log.read_text()[-3000:]
            assert len(moments) == count
            show("skipgrade", result, count)
            result["between_results_s"] = round((moments[-1] - moments[0]) / (count - 1), 3)
            print(f"  {result['between_results_s']:.3f} s from one result to the next", flush=True)
            found.append({"hand_ins": count} | result)
    return found


@contextmanager
def pace(record: Path) -> Iterator[list[float]]:
    """The moments at which results were written, a file each; to a fiftieth of a second."""
    moments: list[float] = []
    ended = threading.Event()

    def count() -> None:
        written = sum(1 for _ in record.glob("*.jsonl"))
        moments.extend([time.perf_counter()] * (written - len(moments)))

    def watch() -> None:
        while not ended.wait(0.02):
            count()

    watching = threading.Thread(target=watch)
    watching.start()
    yield moments
    ended.set()
    watching.join()
    count()


def show(kind: str, result: dict[str, Any], count: int) -> None:
    each = result["wall_s"] / count
    print(
        f"{kind:<16}{count:>6} hand-ins{result['wall_s']:>9.1f} s{each:>8.2f} s each"
        f"{result['cpu_s'] / count:>8.2f} s of CPU each{result['peak_mib']:>7} MiB in all"
        f"{result['peak_of_the_command_mib']:>6} MiB the command",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("count", nargs="?", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--scale", nargs="+", type=int)
    parser.add_argument("--workers", type=int, help="of `skipgrade grade`, with --scale")
    parser.add_argument("--json", type=Path, default=Path("build/bench-grading.json"))
    arguments = parser.parse_args()
    result: Any = (
        {"scale": scale(arguments.scale, arguments.workers)}
        if arguments.scale
        else compare(arguments.count, arguments.rounds)
    )
    save(arguments.json, result)


if __name__ == "__main__":
    main()
