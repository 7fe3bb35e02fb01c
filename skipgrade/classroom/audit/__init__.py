"""Training on suspicion: a sample of a class is trained again with its own code, and compared.

Nothing of it is a grade, and nothing is written but what the command was asked to write.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from skipgrade import lab
from skipgrade.classroom.audit.claims import Claim, Claims
from skipgrade.classroom.audit.comparing import (
    NOT_RUN,
    RunVerdict,
    judge,
    worst,
)
from skipgrade.classroom.audit.retraining import Outcome, Terms, retrain
from skipgrade.classroom.audit.shared import Shared
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.grading import present
from skipgrade.judging.grader.execute import why_not_here

__all__ = ["Audited", "Auditor", "Terms", "demand_means", "sample_of"]

MOST_TRAININGS = 4  # of a run that chance alone may speak against
Shows = Callable[[str, int, int], None]  # student, epochs done, epochs to do


@dataclass(frozen=True)
class Audited:
    """One student's runs; `trouble` says why there are none."""

    student: str
    runs: list[RunVerdict] = field(default_factory=list)
    trouble: str = ""

    @property
    def verdict(self) -> str:
        return worst(run.verdict for run in self.runs) if self.runs else NOT_RUN


def sample_of(
    course: Course, assignment: str, students: Sequence[str], size: int | None, seed: int
) -> list[str]:
    """The students named, or all; so many of them, drawn from `seed`."""
    course.require(assignment)
    chosen = sorted(present(course, assignment, students))
    if size is None or size >= len(chosen):
        return chosen
    return sorted(random.Random(seed).sample(chosen, size))


def demand_means(course: Course, device: str) -> None:
    """`CourseError` where submissions cannot be run here, or not on that device."""
    if reason := why_not_here(course.config):
        raise CourseError(reason)
    if device == "cuda" and lab.device().type != "cuda":
        raise CourseError("There is no GPU here that torch can use: leave --device out.")


class Auditor:
    """Looks at one student after the other."""

    def __init__(self, course: Course, assignment: str, terms: Terms, show: Shows) -> None:
        self._course, self._assignment = course, assignment
        self._terms, self._show = terms, show
        self._claims = Claims(course, assignment)
        self._shared = Shared(course, assignment)

    def audit(self, student: str) -> Audited:
        """Train a student's runs again; what chance alone may speak against, a few times more."""
        shared = self._shared.with_others(student)
        claim = self._claims.of(student)
        if claim.trouble:
            return Audited(student, trouble=claim.trouble)
        outcomes = [self._trained(claim, self._terms)]
        found = _judged(claim, outcomes)
        while any(run.chance_alone for run in found) and len(outcomes) < MOST_TRAININGS:
            terms = replace(self._terms, seeds=self._terms.seeds + len(outcomes))
            outcomes.append(self._trained(claim, terms))
            found = _judged(claim, outcomes)
        for run in found:
            run.open += shared.get(run.run, [])
        return Audited(student, found)

    def _trained(self, claim: Claim, terms: Terms) -> Outcome:
        lengths = [len(history) for history in claim.histories.values()]
        due = sum(min(length, terms.epochs or length) for length in lengths)
        return retrain(
            self._course,
            self._assignment,
            claim,
            terms,
            lambda done: self._show(claim.student, done, due),
        )


def _judged(claim: Claim, outcomes: list[Outcome]) -> list[RunVerdict]:
    return [
        judge(run, history, [one.runs.get(run) for one in outcomes], outcomes[0].trouble)
        for run, history in claim.histories.items()
    ]
