"""Who has how many points, and why the others were lost."""

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import nbformat
from nbformat import NotebookNode
from nbgrader.api import SubmittedNotebook

from skipgrade.classroom import handin
from skipgrade.classroom.course import Course
from skipgrade.classroom.grading import notebook_names
from skipgrade.classroom.ledger import Ledger
from skipgrade.classroom.marking import Marking
from skipgrade.classroom.marks import Marks, marks_of
from skipgrade.classroom.stubs import SAYS, is_unfilled
from skipgrade.classroom.style import number
from skipgrade.judging.printable import printable
from skipgrade.judging.repairs import repairs
from skipgrade.judging.verdict import Reason
from skipgrade.sandbox import PROTECTIONS


@dataclass(frozen=True)
class Loss:
    """One graded cell that did not earn all its points, in a few words why, and what came before.

    `earlier` is what went wrong in a cell before it, where something did.
    """

    cell: str
    points: float
    reason: str
    earlier: str = ""


@dataclass
class Row:
    """One student's automatic score, the points that wait for a person to read, and the total."""

    student: str
    score: float = 0.0
    max_score: float = 0.0
    to_read: float = 0.0
    total: float | None = None  # with what persons gave, bonus and penalties; None: not graded
    marks: Marks | None = None
    losses: list[Loss] = field(default_factory=list)
    problem: str | None = None
    outdated: str | None = None
    repairs: list[str] = field(default_factory=list)
    unprotected: list[str] | None = None  # what the sandbox could not keep it from; None: unknown


def rows(course: Course, assignment: str) -> list[Row]:
    """A row for every student the gradebook or submitted/ knows for this assignment."""
    names = notebook_names(course, assignment)
    ledger = Ledger(course, assignment)
    marking = Marking(config=course.config)
    table = []
    with course.gradebook() as book:
        entries = {
            submission.student.id: submission
            for submission in book.assignment_submissions(assignment)
        }
        for student in sorted({*entries, *course.submissions(assignment)}):
            row = Row(student)
            row.problem = handin.problem(course, assignment, student, names)
            if student not in entries:
                row.problem = row.problem or "not graded yet"
            else:
                row.outdated = ledger.outdated(student)
                row.marks = marks_of(entries[student], marking)
                row.total = row.marks.total
                for notebook in entries[student].notebooks:
                    _read_notebook(course, row, notebook)
            table.append(row)
    return table


def _read_notebook(course: Course, row: Row, notebook: SubmittedNotebook) -> None:
    assignment = notebook.assignment.name
    graded = course.folder("autograded", assignment, row.student) / f"{notebook.name}.ipynb"
    content = nbformat.read(graded, as_version=4) if graded.is_file() else None
    cells = _graded_cells(content) if content else {}
    row.repairs += repairs(content) if content else []
    row.unprotected = content.metadata.get("skipgrade", {}).get("unprotected") if content else None
    if not cells and row.problem is None:
        row.problem = f"not graded: see {graded.parent.parent.parent.name}/ and .nbgrader.log"
    read_by_a_person = {cell.name for cell in notebook.notebook.solution_cells}
    for entry in notebook.grades:
        if entry.name in read_by_a_person or entry.cell_type != "code":
            row.to_read += entry.max_score if entry.needs_manual_grade else 0.0
            continue
        score = entry.auto_score or 0.0
        row.score += score
        row.max_score += entry.max_score
        if score < entry.max_score and row.problem is None:
            reason = why(cells.get(entry.name))
            row.losses.append(Loss(entry.name, entry.max_score - score, *reason))


def _graded_cells(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {
        cell.metadata.nbgrader["grade_id"]: cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }


def why(cell: NotebookNode | None) -> tuple[str, str]:
    """The judge's first reason and what went wrong before; without the judge, the error."""
    if cell is None:
        return "the cell is missing from the notebook", ""
    verdict = cell.metadata.get("skipgrade", {})
    if verdict.get("reasons"):
        return Reason.of(verdict["reasons"][0]).in_short(), "".join(verdict.get("earlier", [])[:1])
    for output in cell.get("outputs", []):
        if is_unfilled(output):
            return SAYS, ""
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}", ""
    return "no reason was recorded", ""


def lines(table: list[Row], width: int = 120, most: int | None = None) -> Iterator[str]:
    """The table as text: a line per student, and under it a line per reason (at most `most`)."""
    names = max((len(printable(row.student)) for row in table), default=7)
    room = width - names - 23
    yield f"{'student':<{names}}  {'by tests':>11}  {'total':>6}  why points were lost"
    yield f"{'-' * names}  {'-' * 11}  {'-' * 6}  {'-' * room}"
    for row in table:
        score = f"{row.score:g} / {row.max_score:g}"
        total = "-" if row.total is None else number(row.total)
        reasons = list(_reasons(row))
        if most and len(reasons) > most:
            reasons[most - 1 :] = [f"... and {len(reasons) - most + 1} more like these"]
        numbers = f"{score:>11}  {total:>6}"
        yield f"{printable(row.student):<{names}}  {numbers}  {_shorten(reasons[0], room)}"
        for reason in reasons[1:]:
            yield f"{'':<{names}}  {'':>11}  {'':>6}  {_shorten(reason, room)}"
    waiting = max((row.to_read for row in table), default=0.0)
    if waiting:
        yield ""
        yield f"Each student can still earn up to {waiting:g} points for written answers."
    yield from ("", *confinement(table)) if confinement(table) else ()


def as_json(assignment: str, table: list[Row]) -> str:
    """The same for programs: every student's row, with all reasons and nothing shortened."""
    told = {"assignment": assignment, "students": [asdict(row) for row in table]}
    return json.dumps(told, indent=1)


def confinement(table: list[Row]) -> list[str]:
    """What the submissions were kept from when they ran; empty where nobody knows."""
    known = [row.unprotected for row in table if row.unprotected is not None]
    if not known:
        return []
    if missing := sorted({name for names in known for name in names}):
        how = "unconfined" if set(missing) >= set(PROTECTIONS) else "confined, except for"
        return [f"Submissions ran {how}: {', '.join(missing)}. nbgrader_config.py accepts that."]
    return ["Submissions ran confined: own files only, no network, no signals, limited processes."]


def _reasons(row: Row) -> Iterator[str]:
    if row.outdated:
        yield f"{row.outdated}. Run `skipgrade grade` again"
    if row.problem:
        yield row.problem
        return
    if not row.losses and not (row.marks and row.marks.late):
        yield "nothing lost"
    if row.marks and row.marks.late:
        yield f"-{number(row.marks.late)} {row.marks.late_in_words}"
    for loss in sorted(row.losses, key=lambda loss: -loss.points):
        yield f"-{loss.points:g} {loss.cell}: {loss.earlier} {loss.reason}"
    if row.repairs:
        yield f"repaired: {'; '.join(row.repairs)}"


def _shorten(text: str, width: int) -> str:
    """The text in the room there is, as it may be printed."""
    return textwrap.shorten(printable(" ".join(text.split())), width, placeholder=" ...")
