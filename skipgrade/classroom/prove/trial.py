"""A source notebook that has been run, and what its tests say of another way to write a cell.

No kernel is started and nothing is trained. The notebook is run once; for each variant this process
forks, runs the changed cell and those that depend on it, and asks the tests that could notice.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import json
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from torch import Tensor

from skipgrade.classroom.lint.names import at_once
from skipgrade.classroom.prove.cells import Variant
from skipgrade.classroom.prove.found import Found
from skipgrade.judging.grader.source import SourceNotebook, TestCell, read_source
from skipgrade.judging.judge import judge_side
from skipgrade.judging.judge import trial as trials
from skipgrade.judging.judge.answerers import LocalNotebook
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.judge.holdout import PACK, HoldoutError, open_images
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.verdict import HiddenTestError, Verdict

IMAGES = 400  # of a test split, for the accuracy of a trained network


class CountedHandIn(HandedIn):
    """A submission that knows how often one of its files of weights was read."""

    weights_read = 0

    def weights(self, name: str) -> dict[str, Tensor]:
        self.weights_read += 1
        return super().weights(name)


class Bench:
    """The notebook at `path`, run as the solution and once more as a student's."""

    def __init__(self, path: Path, handed_in: Path, seed: str) -> None:
        self.source: SourceNotebook = read_source(path)
        self.points = _points(path)
        self._folder, self._seed = handed_in, seed
        self._notebook = json.loads(path.read_text(encoding="utf-8"))
        self.solution: dict[str, Any] = {}
        self._student: dict[str, Any] = {}
        self.asked: list[str] = list(self.source.tests)
        self._weighs: set[str] = set()
        self._ways: dict[tuple[str, frozenset[str], int], set[str]] = {}
        for cell, code in self.source.setup:
            _run(code, cell, self.solution)
        for cell, code in self.source.setup:
            _run(code, cell, self._student)

    def ask(self, variant: Variant | None, *, all_tests: bool) -> Found:
        """What a notebook with this cell loses; without a variant, the solution itself.

        Changes the notebook in memory, so it is to be called in a process of its own. Without
        `all_tests` the first loss is the last thing looked for.
        """
        found = Found()
        with _quiet():
            try:
                self._ask(variant, all_tests, found)
            except (HiddenTestError, HoldoutError) as error:
                found.stopped = f"breaks the test: {' / '.join(str(error).splitlines())}"
        return found

    def _ask(self, variant: Variant | None, all_tests: bool, found: Found) -> None:
        concerned = self._concerned(variant)
        self._forget(concerned)
        asked = self._asked_of(variant)
        handed_in = self._hand_in(variant)
        trial = Trial(
            LocalNotebook(self._student),
            LocalNotebook(self.solution),
            _some_images,
            grading=True,
            seed=self._seed,
            handed_in=handed_in,
        )
        trials.begin(trial)
        for cell, code in self._order():
            if cell not in concerned:
                continue
            if variant and cell == variant.cell:
                code = variant.code
            self._try(code, cell)
            test = self.source.tests.get(cell)
            if test and cell in asked:
                found.asked += 1
                read = handed_in.weights_read
                verdict = judge_side.verdict_on(test.hidden, cell, self.solution)
                if handed_in.weights_read > read:
                    found.weighed.append(cell)
                if verdict.share < 1:
                    found.lost[cell] = self.points[cell] * (1 - verdict.share)
                    found.reasons[cell] = _first_reason(verdict)
                    if not all_tests:
                        break

    def _hand_in(self, variant: Variant | None) -> CountedHandIn:
        """The files there are, and a notebook of this process's own with the variant in it."""
        cells = [
            cell | {"source": variant.code} if variant and cell.get("id") == variant.cell else cell
            for cell in self._notebook["cells"]
        ]
        name = f"variant-{os.getpid()}"
        text = json.dumps(self._notebook | {"cells": cells})
        (self._folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
        return CountedHandIn(self._folder, name)

    def learn(self, solution: Found) -> None:
        """What became of the solution: tests it does not pass here are not asked."""
        self.asked = [cell for cell in self.asked if cell not in solution.lost]
        self._weighs = {*solution.weighed}

    def notices(self, variant: Variant) -> bool:
        """Whether a test that can be asked names what the variant changes, or what takes it."""
        return not self._concerned(variant).isdisjoint(self._asked_of(variant))

    def _asked_of(self, variant: Variant | None) -> set[str]:
        """Files of weights were written under the names of the solution's own attributes, so what
        reads them is not asked of a variant that has others."""
        renamed = variant is not None and variant.renames
        return {*self.asked} - (self._weighs if renamed else set())

    def _order(self) -> list[tuple[str, str]]:
        """Every cell that may have to be run, tests of trained networks included."""
        there = dict(self.source.setup)
        tests = {name: test.visible for name, test in self.source.tests.items()}
        missing = [name for name in tests if name not in there]
        return [*self.source.setup, *((name, tests[name]) for name in missing)]

    def _concerned(self, variant: Variant | None) -> set[str]:
        """The tests that could notice, the changed cell, and the cells on the way to them."""
        if variant is None:
            return set(self.source.tests)
        known = (variant.cell, frozenset(variant.gives), len(self.asked))
        if known not in self._ways:
            self._ways[known] = self._way(variant.cell, set(variant.gives))
        return self._ways[known]

    def _way(self, changed: str, gives: set[str]) -> set[str]:
        order = self._order()
        start = [cell for cell, _ in order].index(changed)
        after = {cell for cell, _ in order[start + 1 :]}
        touched = self._spread(gives, changed)
        concerned = {cell for cell in touched & after if cell in self.asked}
        codes = {cell: code for cell, code in order if cell in touched & after}
        while True:
            taken = {word for cell in concerned for word in _words(self._text(cell, codes[cell]))}
            more = {
                cell
                for cell in codes.keys() - concerned - self.source.tests.keys()
                if _given(codes[cell]) & taken
            }
            if not more:
                return concerned | {changed}
            concerned |= more

    def _spread(self, names: set[str], changed: str) -> set[str]:
        """Every other cell that takes one of the names, or what such a cell gives."""
        reached: set[str] = set()
        while True:
            more = {
                cell: code
                for cell, code in self._order()
                if cell not in reached | {changed} and names & _words(self._text(cell, code))
            }
            if not more:
                return reached
            reached |= more.keys()
            names = names.union(*map(_given, more.values()))

    def _text(self, cell: str, code: str) -> str:
        test: TestCell | None = self.source.tests.get(cell)
        return f"{code}\n{test.hidden}" if test else code

    def _forget(self, concerned: set[str]) -> None:
        """A name that a changed cell no longer gives must not be there from before."""
        for cell, code in self.source.setup:
            if cell in concerned and cell not in self.source.tests:
                for name in _given(code):
                    self._student.pop(name, None)

    def _try(self, code: str, cell: str) -> None:
        """As in grading, a cell that raises stops nothing."""
        with contextlib.suppress(Exception):
            _run(code, cell, self._student)


def _some_images(name: str) -> tuple[Tensor, Tensor]:
    """Held-out images, fewer than a grade hangs on: what a trained network computes differs or
    does not. Predictions of the final test are compared with all of it."""
    images, labels = open_images(name)
    most = len(labels) if name == PACK else IMAGES
    return images[:most], labels[:most]


def _first_reason(verdict: Verdict) -> str:
    told = verdict.internal_error or (verdict.reasons[0] if verdict.reasons else "")
    return " / ".join(str(told).splitlines())


def _points(path: Path) -> dict[str, float]:
    cells = nbformat.read(path, as_version=4).cells
    marks = [cell.metadata.get("nbgrader", {}) for cell in cells]
    return {one["grade_id"]: float(one["points"]) for one in marks if one.get("points")}


@functools.cache
def _given(code: str) -> set[str]:
    try:
        return at_once(ast.parse(code)).given
    except SyntaxError:
        return set()


@functools.cache
def _words(code: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", code))


def _run(code: str, cell: str, names: dict[str, Any]) -> None:
    with _quiet():
        exec(compile(code, f"<notebook {cell}>", "exec"), names)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What a notebook prints or warns of is not what was asked."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
