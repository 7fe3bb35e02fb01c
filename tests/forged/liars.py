"""A student's process that says what it likes, put to the hidden tests of a source notebook.

It knows all that can be known beforehand: every answer that the solution gave to every question
of the cell, in another grading. What such a process earns hangs on its word.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat

from skipgrade.judging.judge.answerers import (
    QUESTION_TIMEOUT_S,
    Answerer,
    KernelLostError,
    LocalNotebook,
    NotebookCodeError,
    QuestionTimeoutError,
)
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.verdict import Verdict
from skipgrade.judging.watermark import SUFFIX, watermarked
from skipgrade.judging.wire.messages import BadMessageError
from tests.assignments.variants import Assignment

PROGRAMS = ("program", "program of one size")
STUB = NotebookCodeError("NotImplementedError", "", "raise NotImplementedError()")
Log = list[tuple[str, Any]]


class Remembers(Answerer):
    """Answers as the notebook does, and keeps every answer, and what was raised, in order."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._notebook = LocalNotebook(namespace)
        self.log: Log = []

    def ask(self, kind: str, *, seconds: float = QUESTION_TIMEOUT_S, **request: Any) -> Any:
        try:
            answer = self._notebook.ask(kind, seconds=seconds, **request)
        except (
            NotebookCodeError,
            KernelLostError,
            QuestionTimeoutError,
            BadMessageError,
        ) as error:
            self.log.append((kind, error))
            raise
        self.log.append((kind, answer))
        return answer


class Replays(Answerer):
    """Gives the answers of another grading, one after the other; of networks it has only stubs."""

    def __init__(self, log: Log, networks: Any = STUB) -> None:
        self._log = list(log)
        self._networks = networks

    def ask(self, kind: str, *, seconds: float = QUESTION_TIMEOUT_S, **request: Any) -> Any:
        at = next((i for i, (known, _) in enumerate(self._log) if known == kind), None)
        answer = STUB if at is None else self._log.pop(at)[1]
        if kind in PROGRAMS:
            answer = self._networks
        if isinstance(answer, Exception):
            raise answer
        return answer


def working_folder(files: Path, folder: Path, mark: str) -> Path:
    """What a kernel gets of a hand-in: its files, with the histories marked."""
    shutil.copytree(files, folder)
    for path in folder.glob(f"*{SUFFIX}"):
        path.write_bytes(watermarked(path.read_bytes(), f"{mark}\n{path.name}"))
    return folder


def stubs(assignment: Assignment, folder: Path) -> str:
    """The released notebook, put into `folder` untouched; its name without the ending."""
    path = assignment.released()
    nbformat.write(nbformat.read(path, as_version=4), folder / path.name)
    return path.stem


def replayed(
    assignment: Assignment,
    grade_id: str,
    files: Path,
    scratch: Path,
    *,
    given: Mapping[str, Any] | None = None,
    make_given: Callable[[Path], Mapping[str, Any]] | None = None,
    handed_in: Path | None = None,
    networks: Any = STUB,
    **more: Any,
) -> tuple[Verdict, Verdict]:
    """What the solution earns with these files, and what a process that replays its answers does
    in another grading, for a notebook whose stubs are untouched, with the files `handed_in`.

    `given` are names the notebook has after training; `make_given` makes them of its folder.
    """
    knows = Remembers({})

    def honest(namespace: dict[str, Any]) -> Answerer:
        knows._notebook = LocalNotebook(namespace)
        return knows

    first = working_folder(files, scratch / "first", "first")
    given = make_given(first) if make_given else given
    right = assignment.verdict(
        grade_id, given=given, folder=first, party=honest, seed="first",
        handed_in=HandedIn(files, None, "first"), **more,
    )  # fmt: skip
    theirs = scratch / "handed-in"
    shutil.copytree(handed_in, theirs) if handed_in else theirs.mkdir()
    wrong = assignment.verdict(
        grade_id, folder=theirs, party=lambda _: Replays(knows.log, networks), seed="second",
        handed_in=HandedIn(theirs, stubs(assignment, theirs), "second"), **more,
    )  # fmt: skip
    return right, wrong
