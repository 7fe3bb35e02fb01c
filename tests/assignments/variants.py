"""One test cell of a source notebook, put to a variant of the solution: no kernels, no training.

    trial = Assignment("06-depth-and-shortcuts")
    trial.accepts("test-block", {"block": "class BasicBlock(nn.Module): ..."})
    trial.refuses("test-block", {"block": "class BasicBlock(nn.Linear): ..."})

Cells are named by their ids. As in grading, cells tagged `needs-training` are not run, a cell of
the student's that raises stops nothing, and the hidden part is judged whatever the visible says.
"""

from __future__ import annotations

import contextlib
import functools
import linecache
import textwrap
import traceback
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import torch
from nbformat.v4 import new_code_cell, new_output

from skipgrade.judging.grader.source import (
    NEEDS_TRAINING,
    TestCell,
    is_automatic,
    read_source,
    split,
)
from skipgrade.judging.judge import judge_side
from skipgrade.judging.judge import trial as trials
from skipgrade.judging.judge.answer_cache import CachedNotebook
from skipgrade.judging.judge.answerers import Answerer, LocalNotebook
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.judge.holdout import open_images
from skipgrade.judging.judge.trial import Holdout, Trial
from skipgrade.judging.stopped_cells import StoppedCell, stopped_cell
from skipgrade.judging.verdict import Verdict
from skipgrade.judging.wire.messages import MEBIBYTE

ROOT = Path(__file__).parents[2]


class Assignment:
    """A source notebook whose solution has been run once; a student's is run for each verdict."""

    def __init__(self, name: str) -> None:
        path = ROOT / "source" / name / f"{name}.ipynb"
        self.source = read_source(path)
        self.cells = {
            cell.id: cell.source
            for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "code"
            and not is_automatic(cell)
            and NEEDS_TRAINING not in cell.metadata.get("tags", [])
        }
        self.errors: dict[str, Exception] = {}
        self._answered_with: dict[str, Any] = {}  # the solution's names when `_answers` were new

    @functools.cached_property
    def solution(self) -> dict[str, Any]:
        """What the judge holds: every cell it runs, in order; none may raise."""
        names: dict[str, Any] = {}
        for cell, code in self.source.setup:
            _run(code, cell, names)
        return names

    @property
    def answers(self) -> Answerer:
        """What the solution says when it is asked: each question once, as in the judge, for as
        long as no test has put something else in the place of one of its names.
        """
        names, kept = self.solution, self._answered_with
        if names.keys() != kept.keys() or any(names[one] is not kept[one] for one in names):
            self._answered_with = dict(names)
            self._answers = CachedNotebook(LocalNotebook(names), room=32 * MEBIBYTE)
        return self._answers

    def released(self) -> Path:
        """The notebook as students get it."""
        name = self.source.path.stem
        return ROOT / "release" / name / f"{name}.ipynb"

    def student(
        self,
        changed: Mapping[str, str],
        given: Mapping[str, Any] | None = None,
        *,
        until: str = "",
    ) -> dict[str, Any]:
        """The names of a notebook with some cells changed, and with `given` as if trained.

        Changed cells may be indented as a whole. With `until`, the visible parts of the test
        cells before that one have been run too, as in grading.
        """
        unknown = set(changed) - set(self.cells)
        assert not unknown, f"no such cells (or they need training): {sorted(unknown)}"
        names: dict[str, Any] = {}
        self.errors = {}
        reached = not until
        for cell, code in self.source.setup:
            reached = reached or cell == until
            if cell in self.cells:
                self._try(textwrap.dedent(changed.get(cell, code)), cell, names)
            elif not reached:
                self._try(code, cell, names)
        names.update(given or {})
        return names

    def verdict(
        self,
        grade_id: str,
        changed: Mapping[str, str] | None = None,
        given: Mapping[str, Any] | None = None,
        holdout: Holdout = open_images,
        *,
        folder: Path | None = None,
        handed_in: HandedIn | None = None,
        party: Callable[[dict[str, Any]], Answerer] = LocalNotebook,
        seed: str = "open",
        after_tests: bool = False,
    ) -> Verdict:
        """What a student with these cells earns for one test cell; `errors` says what raised.

        With `after_tests` the visible parts of earlier test cells have been run before it.
        The notebook works in `folder` and was handed in as `handed_in` says, both the current
        folder if nothing is said; `party` answers for it. Whatever the answer, the hidden test
        itself may not raise, every forward pass can be recorded, and no point is lost unexplained.
        """
        test, solution = self.source.test(grade_id), self.solution
        with contextlib.chdir(folder or Path.cwd()):
            student = self.student(changed or {}, given, until=grade_id if after_tests else "")
            return self._judged(test, solution, student, holdout, handed_in, party, seed)

    def _judged(
        self,
        test: TestCell,
        solution: dict[str, Any],
        student: dict[str, Any],
        holdout: Holdout,
        handed_in: HandedIn | None,
        party: Callable[[dict[str, Any]], Answerer],
        seed: str,
    ) -> Verdict:
        grade_id = test.grade_id
        self._try(test.visible, grade_id, student)
        handed_in = handed_in or HandedIn(Path.cwd())
        trial = Trial(
            party(student),
            self.answers,
            holdout,
            grading=True,
            seed=seed,
            handed_in=handed_in,
        )
        trials.begin(trial)
        try:
            verdict = judge_side.verdict_on(test.hidden, grade_id, solution)
        finally:
            trials.end()
            plt.close("all")
        assert not verdict.internal_error, verdict.internal_error
        in_their_process = any("student's process" in note for note in verdict.notes)
        assert not (verdict.share and in_their_process), verdict.notes
        assert verdict.share == 1.0 or verdict.reasons, f"{grade_id}: {verdict.share}, unexplained"
        return verdict

    def report(
        self,
        changed: Mapping[str, str],
        *,
        only: Collection[str] | None = None,
        seed: str = "open",
    ) -> dict[str, Verdict]:
        """The verdicts on all cells that need no training (or on `only` these), one after the
        other as in grading: each is judged when its visible part has been run, in one trial.
        """
        solution = self.solution
        student: dict[str, Any] = {}
        self.errors = {}
        trial = Trial(LocalNotebook(student), self.answers, open_images, True, seed=seed)
        trials.begin(trial)
        found = {}
        try:
            for cell, code in self.source.setup:
                test = self.source.tests.get(cell)
                if test is None:
                    own = textwrap.dedent(changed.get(cell, code))
                    self._try(own, cell, student)
                    if cell in self.errors:
                        trial.stopped.append(_stopped(own, self.errors[cell]))
                elif only is None or cell in only:
                    self._try(test.visible, cell, student)
                    found[cell] = judge_side.verdict_on(test.hidden, cell, solution)
                    assert not found[cell].internal_error, found[cell].internal_error
        finally:
            trials.end()
            plt.close("all")
        return found

    def edited(self, cell: str, *pairs: tuple[str, str]) -> dict[str, str]:
        """The solution's cell with some pieces of its text replaced."""
        code = self.cells[cell]
        for old, new in pairs:
            assert old in code, f"{cell} does not say {old!r}"
            code = code.replace(old, new)
        return {cell: code}

    @functools.cached_property
    def points(self) -> dict[str, float]:
        """What each test cell is worth."""
        cells = nbformat.read(self.source.path, as_version=4).cells
        told = [cell.metadata.get("nbgrader", {}) for cell in cells]
        return {one["grade_id"]: one["points"] for one in told if one.get("points")}

    def accepts(
        self, grade_id: str, changed: Mapping[str, str] | None = None, **more: Any
    ) -> Verdict:
        """The verdict on a right answer, which must earn every point."""
        verdict = self.verdict(grade_id, changed, after_tests=True, **more)
        assert verdict.share == 1.0, f"{grade_id}: {verdict.share}, {verdict.reasons}"
        return verdict

    def refuses(
        self, grade_id: str, changed: Mapping[str, str] | None = None, **more: Any
    ) -> Verdict:
        """The verdict on a wrong answer, which must lose points and, as always, be told why."""
        verdict = self.verdict(grade_id, changed, **more)
        assert verdict.share < 1.0, f"{grade_id}: earned everything, {verdict.notes}"
        return verdict

    def passes_visible(
        self, grade_id: str, changed: Mapping[str, str], given: Mapping[str, Any] | None = None
    ) -> bool:
        """Whether the part of a test cell that students can run is content."""
        student = self.student(changed, given)
        self._try(self.source.test(grade_id).visible, grade_id, student)
        return grade_id not in self.errors

    def _try(self, code: str, cell: str, names: dict[str, Any]) -> None:
        try:
            _run(code, cell, names)
        except Exception as error:
            self.errors[cell] = error


def _run(code: str, cell: str, names: dict[str, Any]) -> None:
    code, file = split(code)[0], f"<notebook {cell}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    with torch.enable_grad():  # in a kernel of its own nobody else would feel what it switches off
        exec(_compiled(code, file), names)


@functools.cache
def _compiled(code: str, file: str) -> CodeType:
    return compile(code, file, "exec")


def _stopped(code: str, error: Exception) -> StoppedCell:
    """The same that the grader finds in the outputs of a cell."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "<notebook" in one[0]]
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno
    told = error.msg if isinstance(error, SyntaxError) else str(error)
    stopped = stopped_cell(
        new_code_cell(
            code,
            outputs=[
                new_output(
                    "error",
                    ename=type(error).__name__,
                    evalue=told,
                    traceback=[f"Cell In[1], line {line}"],
                )
            ],
        )
    )
    assert stopped is not None, "its outputs hold an error"
    return stopped
