"""[judge's kernel] Who `student` and `solution` are right now."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skipgrade.judging.judge.answerers import Answerer, LocalNotebook
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.stopped_cells import StoppedCell
from skipgrade.judging.verdict import CheckFailedError, Reason

if TYPE_CHECKING:
    from torch import Generator, Tensor

Holdout = Callable[[str], "tuple[Tensor, Tensor]"]


class JudgeMissingError(RuntimeError):
    """Hidden tests were started by a grader that has no judge; they must not pass silently."""


@dataclass
class Trial:
    """One notebook on trial, and what it has lost so far in the cell being judged."""

    student: Answerer
    solution: Answerer
    holdout: Holdout
    grading: bool
    seed: str = "open"  # all that is drawn for this submission follows from it
    handed_in: HandedIn = field(default_factory=lambda: HandedIn(Path.cwd()))
    accept_unrecorded: bool = True  # functions only their own process can compute
    networks: dict[Any, Any] = field(default_factory=dict)  # what was recorded of this notebook
    measured: dict[Any, float] = field(default_factory=dict)  # how its runs do with those networks
    faulty: set[str] = field(default_factory=set)  # names whose own checks have failed
    stopped: list[StoppedCell] = field(default_factory=list)  # cells before that raised
    cell: str = ""  # the one being judged
    drawn: int = 0  # how often `images` has drawn in it
    lost: float = 0.0
    reasons: list[Reason] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    accuracies: list[dict[str, Any]] = field(default_factory=list)  # measured on held-out images

    def begin_cell(self, name: str) -> None:
        """Nothing is lost yet in this cell."""
        self.cell, self.drawn = name, 0
        self.lost, self.reasons, self.notes, self.accuracies = 0.0, [], [], []

    def generator(self, purpose: str) -> Generator:
        """Random numbers for one purpose: the same whenever this submission is graded, other ones
        for every other submission, and known to nobody who has not the course's secret.

        torch keeps 32 bits of this seed. Who finds them, afterwards, learns the rest of what this
        one question shows anyway, and nothing of another purpose or of the secret.
        """
        import torch

        digest = hashlib.sha256(f"{self.seed}\n{purpose}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)

    def deduct(self, reason: str, worth: float | None) -> None:
        """Cost the cell (worth None) or a share of it. Outside grading every loss is an error."""
        if worth is None or not self.grading:
            raise CheckFailedError(reason)
        self.lost += worth
        told = Reason.of(reason)
        if not any(one == told or told.repeats(one) for one in self.reasons):
            self.reasons.append(told)


_current: Trial | None = None


def begin(trial: Trial) -> None:
    global _current
    _current = trial


def end() -> None:
    global _current
    _current = None


def current() -> Trial:
    """The trial in force; without one, the notebook is its own student and solution."""
    if _current is not None:
        return _current
    if os.environ.get("NBGRADER_EXECUTION") == "autograde":
        raise JudgeMissingError(
            "Hidden tests ran without the judge, so nothing here was checked. "
            "Grade in a course whose nbgrader_config.py puts "
            "skipgrade.judging.grader.execute.JudgedExecute in c.Autograde.autograde_preprocessors."
        )
    from skipgrade.judging.judge.holdout import open_images

    notebook = LocalNotebook(sys.modules["__main__"].__dict__)
    return Trial(notebook, notebook, open_images, grading=False)
