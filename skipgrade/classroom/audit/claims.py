"""What one student claims: the notebook, histories and weights that were handed in."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from skipgrade.classroom.course import Course
from skipgrade.classroom.histories import histories_in
from skipgrade.judging.intake.exporter import read_submitted, what_is_wrong
from skipgrade.judging.intake.parsing import NotANotebookError
from skipgrade.judging.intake.plain_files import NotPlainFileError
from skipgrade.judging.intake.submissions import PlainHandIns
from skipgrade.lab.history import History

LARGEST_HISTORY = 16 * 2**20
QUIET = logging.getLogger("skipgrade.audit")  # grading tells what is left out of a submission
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


@dataclass(frozen=True)
class Claim:
    """`trouble` says why nothing of it can be trained again, where that is so."""

    student: str
    folder: Path
    notebook: NotebookNode | None = None
    histories: dict[str, History] = field(default_factory=dict)
    trouble: str = ""

    def weights(self, run: str) -> Path:
        return self.folder / f"{run}-best.safetensors"


class Claims:
    """Those of a class, read one after the other: of a packed submission a copy is kept as long."""

    def __init__(self, course: Course, assignment: str) -> None:
        self._assignment = assignment
        self._hand_ins = PlainHandIns.of(course.directory(assignment), QUIET)

    def of(self, student: str) -> Claim:
        submission = self._hand_ins.hand_in(student, self._assignment)
        folder, name = submission.folder, f"{self._assignment}.ipynb"
        try:
            notebook = read_submitted(submission, name)
        except (NotPlainFileError, NotANotebookError) as error:
            return Claim(student, folder, trouble=what_is_wrong(name, error))
        told = histories_in(folder, LARGEST_HISTORY)
        histories = {run: history for run, history in told.items() if history.epochs}
        trouble = "" if histories else "no history of a training run was handed in."
        return Claim(student, folder, notebook, histories, trouble)
