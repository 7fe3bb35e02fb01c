"""Are an assignment's tests fair, and do they see? Equivalents of the solution must earn every
point; mutants, in which one thing is changed, must not.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.prove.cells import Variant, read
from skipgrade.classroom.prove.equivalents import combined, equivalents
from skipgrade.classroom.prove.found import Found
from skipgrade.classroom.prove.mutants import mutants
from skipgrade.classroom.prove.side_by_side import answers
from skipgrade.classroom.prove.table import Known, Proof, as_data, lines, read_known
from skipgrade.classroom.rehearsal import SOLUTION
from skipgrade.judging.judge.holdout import LABELS_FILE

if TYPE_CHECKING:
    from skipgrade.classroom.prove.trial import Bench

__all__ = ["Proof", "as_data", "lines", "prove", "read_known"]

ENOUGH = 200
SECONDS = 60.0  # of processor time for one variant


def prove(
    course: Course,
    assignment: str,
    *,
    sample: int = ENOUGH,
    seed: int = 0,
    workers: int = 2,
    known: Known | None = None,
) -> Proof:
    """Try at most `sample` equivalents and as many mutants of the assignment's solution."""
    if "fork" not in multiprocessing.get_all_start_methods():
        raise CourseError("`prove` forks for each variant, which this machine's system cannot.")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a process that has used a GPU cannot fork
    os.environ["MPLBACKEND"] = "agg"
    from skipgrade.classroom.prove.trial import Bench

    started, rng = time.monotonic(), random.Random(seed)
    path = course.folder("source", assignment) / f"{assignment}.ipynb"
    proof, cells = Proof(assignment, known=known or {}), read(path)
    tried = [cell for cell in cells if not cell.trains]
    proof.recipe = sum(1 for cell in cells if cell.trains for _ in mutants(cell))
    with _folder_of(course, assignment) as folder:
        bench = Bench(path, folder, f"prove {seed}")
        ask = _Ask(bench, workers)
        proof.not_asked = ask.solution()
        changed = [one for cell in tried for one in mutants(cell, bench.solution)]
        proof.unseen = sorted({one.cell for one in changed if not bench.notices(one)})
        changed = [one for one in changed if bench.notices(one)]
        alike = [one for cell in tried for one in equivalents(cell, bench.solution)]
        alike = [one for one in alike if bench.notices(one)]
        proof.possible = {"equivalents": len(alike), "mutants": len(changed)}
        alike += combined(tried, alike, bench.solution, sample - len(alike), rng)
        proof.equivalents = ask.about(_some(alike, sample, rng), "equivalents", all_tests=True)
        proof.mutants = ask.about(_some(changed, sample, rng), "mutants", all_tests=False)
    proof.seconds = time.monotonic() - started
    return proof


class _Ask:
    """What a bench says, asked in processes of their own."""

    def __init__(self, bench: Bench, workers: int) -> None:
        self._bench, self._workers = bench, workers

    def solution(self) -> list[str]:
        """The tests that the solution itself does not pass here, left out from now on."""
        ((_, found),) = answers([None], self._asked(True), workers=1, seconds=10 * SECONDS)
        if isinstance(found, str) or found.stopped:
            why = found if isinstance(found, str) else found.stopped
            raise CourseError(f"The solution itself could not be judged: it {why}.")
        self._bench.learn(found)
        return list(found.lost)

    def about(
        self, variants: Sequence[Variant], what: str, *, all_tests: bool
    ) -> list[tuple[Variant, Found]]:
        """The variants in their order, each with what was found."""
        asked = answers(variants, self._asked(all_tests), workers=self._workers, seconds=SECONDS)
        told = tqdm(asked, total=len(variants), desc=what, leave=False, disable=None)
        found = {id(one): Found(stopped=it) if isinstance(it, str) else it for one, it in told}
        return [(one, found[id(one)]) for one in variants]

    def _asked(self, all_tests: bool) -> Callable[[Variant | None], Found]:
        return lambda one: self._bench.ask(one, all_tests=all_tests)


def _some(variants: list[Variant], most: int, rng: random.Random) -> list[Variant]:
    """At most so many, drawn evenly, in the notebook's order."""
    if len(variants) <= most:
        return variants
    return [variants[place] for place in sorted(rng.sample(range(len(variants)), most))]


@contextlib.contextmanager
def _folder_of(course: Course, assignment: str) -> Iterator[Path]:
    """A folder to work in, with the files of the last rehearsal, if there was one, and above it
    the labels of that rehearsal's final test."""
    rehearsed = course.root / "build" / "rehearsal" / assignment
    with tempfile.TemporaryDirectory(prefix="skipgrade-prove-") as name:
        folder = Path(name) / assignment
        if (rehearsed / "submitted" / SOLUTION / assignment).is_dir():
            shutil.copytree(rehearsed / "submitted" / SOLUTION / assignment, folder)
        else:
            folder.mkdir()
        if (rehearsed / LABELS_FILE).is_file():
            shutil.copy(rehearsed / LABELS_FILE, name)
        with contextlib.chdir(folder):
            yield folder
