"""[grader] The instructor's source notebook: what the judge runs, and what each test cell hides."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

BEGIN, END = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"
NEEDS_TRAINING = "needs-training"


class SourceError(Exception):
    """The source notebook cannot be used; the text names the file, the cell and the fix."""


@dataclass
class TestCell:
    """A graded cell in its two parts."""

    grade_id: str
    visible: str
    hidden: str


@dataclass
class SourceNotebook:
    path: Path
    setup: list[tuple[str, str]]  # (cell id, code) of every cell the judge runs, in order
    tests: dict[str, TestCell]
    answers: dict[str, str] = field(default_factory=dict)  # the solution's code of each answer

    def test(self, grade_id: str) -> TestCell:
        """The test cell of that name."""
        if grade_id not in self.tests:
            raise SourceError(
                f"{self.path} has no test cell {grade_id}, but students got one. It was released "
                "from another version; run 'skipgrade release' and grade again."
            )
        return self.tests[grade_id]


def split(code: str) -> tuple[str, str]:
    """The visible and the hidden part of a test cell."""
    parts: dict[bool, list[str]] = {False: [], True: []}
    inside = False
    for line in code.split("\n"):
        if BEGIN in line:
            inside = True
        elif END in line:
            inside = False
        else:
            parts[inside].append(line)
    return "\n".join(parts[False]).strip(), "\n".join(parts[True])


def read_source(path: Path) -> SourceNotebook:
    """Read a source notebook; every automatically graded cell must have a hidden part."""
    if not path.is_file():
        raise SourceError(f"{path}: there is no such source notebook, so nothing can be judged.")
    notebook = nbformat.read(path, as_version=4)
    setup, tests, answers = [], {}, {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        visible, hidden = split(cell.source)
        if is_automatic(cell):
            grade_id = cell.metadata.nbgrader["grade_id"]
            if not hidden.strip():
                raise SourceError(
                    f"{path}, cell {grade_id}: points without a hidden test. Put what earns "
                    f"them between '### {BEGIN}' and '### {END}'."
                )
            tests[grade_id] = TestCell(grade_id, visible, hidden)
        elif is_solution(cell):
            answers[cell.metadata.nbgrader["grade_id"]] = visible
        if visible and NEEDS_TRAINING not in cell.metadata.get("tags", []):
            setup.append((cell.get("id", "?"), visible))
    return SourceNotebook(path, setup, tests, answers)


def is_automatic(cell: NotebookNode) -> bool:
    """A cell whose points the judge gives."""
    return bool(cell.cell_type == "code" and is_grade(cell) and not is_solution(cell))
