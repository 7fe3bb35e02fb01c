"""A student's feedback page, by nbgrader's own converter: `c.GenerateFeedback` names both classes.

The preprocessor gathers what the page begins with, and marks which cells are folded; the template
only lays it out. Reasons are the judge's data (`metadata.skipgrade`); no text is read for them.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List, Unicode

from skipgrade.classroom.changes import changes
from skipgrade.classroom.handin import AGAIN
from skipgrade.classroom.marking import Marking
from skipgrade.classroom.marks import Marks, Task, marks_of
from skipgrade.classroom.outline import Place, headings, outlines
from skipgrade.classroom.record import Grading, Record, verdicts_of
from skipgrade.classroom.style import TEMPLATES, number, style
from skipgrade.judging.grader.notebook_paths import source_path
from skipgrade.judging.grader.outputs import shown_by_notebook
from skipgrade.judging.intake.exporter import left_out, reason_unreadable
from skipgrade.judging.repairs import repairs
from skipgrade.judging.verdict import Reason, reasons_of

FIRST = 3  # so many things to fix are named before all else


class FeedbackExporter(HTMLExporter):
    """nbconvert's HTML with our template; other settings stay the course's."""

    def __init__(self, config: Any = None, **settings: Any) -> None:
        ours = {
            "template_name": "skipgrade-feedback",
            "extra_template_basedirs": [str(TEMPLATES)],
        }
        super().__init__(config=config, **ours, **settings)


@dataclass
class Line:
    """A task as the page lists it, and why it lost points."""

    task: Task
    title: str
    reasons: list[Reason] = field(default_factory=list)

    @property
    def state(self) -> str:
        if self.task.waits:
            return "waits"
        return "full" if self.task.full else "part" if self.task.points else "none"


@dataclass
class Part:
    title: str
    lines: list[Line] = field(default_factory=list)

    @property
    def points(self) -> float:
        return sum(line.task.points for line in self.lines)

    @property
    def most(self) -> float:
        return sum(line.task.most for line in self.lines)

    @property
    def to_read(self) -> float:
        return sum(line.task.most for line in self.lines if line.task.waits)


@dataclass
class Fix:
    """One thing to fix, and what all tasks that fail because of it lost."""

    reason: Reason
    lost: float
    lines: list[Line]


class FeedbackSummary(NbGraderPreprocessor):
    """Puts what the page says of the whole submission into the resources; after GetGrades."""

    # A setting of nbconvert's, for which nbgrader's base class has a plain value.
    display_data_priority = List(Unicode()).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        names = resources["nbgrader"]
        # nbgrader's converter is the exporter's parent, and that is ours.
        places = outlines(source_path(self.parent.parent, resources).parent)
        root = self.parent.parent.coursedir.root
        marking = Marking(parent=self)
        with Gradebook(names["db_url"]) as book:
            marks = marks_of(book.find_submission(names["assignment"], names["student"]), marking)
        lines = _lines(marks, places, nb)
        unreadable = reason_unreadable(nb)
        resources["skipgrade"] = {
            "marks": marks,
            "parts": _parts(lines, places),
            "fixes": most_worth_fixing(lines),
            "unreadable": unreadable and f"{unreadable} {AGAIN}",
            "told": [
                *left_out(nb),
                *(f"Repaired before grading: {one}." for one in repairs(nb)),
                *_changed(Record(Path(root), names["assignment"]).of(names["student"]), nb, lines),
            ],
            "shares_cap_with": _others(marking, names["assignment"]),
            "style": style(),
            "number": number,
        }
        _fold(nb, {line.task.cell: line for line in lines})
        for cell in nb.cells:
            if "skipgrade" in cell.metadata:
                cell.outputs = shown_by_notebook(cell)
        return nb, resources


def _others(marking: Marking, assignment: str) -> list[str]:
    return [one for one in marking.capped_with(assignment) if one != assignment]


def _changed(gradings: list[Grading], nb: NotebookNode, lines: list[Line]) -> list[str]:
    """What changed since the grading before, where the last on record is the one shown."""
    found = [one for one in gradings if one.graded]
    if len(found) < 2 or not verdicts_of(nb).items() <= found[-1].verdicts.items():
        return []
    titles = {line.task.cell: line.title for line in lines}
    return [
        f"Graded again. {titles.get(one.cell, one.cell)}: {one.points} points."
        f" {_sentence(one.because)}"
        for one in changes(found[-2], found[-1])
    ]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _lines(marks: Marks, places: dict[str, Place], nb: NotebookNode) -> list[Line]:
    """In the notebook's order."""
    kept = {name: cell.metadata.get("skipgrade", {}) for cell in nb.cells if (name := _name(cell))}
    order = {cell: index for index, cell in enumerate(places)}
    tasks = sorted(marks.tasks, key=lambda task: order.get(task.cell, len(order)))
    return [
        Line(
            task,
            places[task.cell].title if task.cell in places else task.cell,
            reasons_of(kept.get(task.cell, {})) if task.lost and not task.by_hand else [],
        )
        for task in tasks
    ]


def _parts(lines: list[Line], places: dict[str, Place]) -> list[Part]:
    parts: dict[str, Part] = {}
    for line in lines:
        place = places.get(line.task.cell)
        title = place.part if place else "Other tasks"
        parts.setdefault(title, Part(title)).lines.append(line)
    return list(parts.values())


def most_worth_fixing(lines: list[Line]) -> list[Fix]:
    """The reasons that cost most, each with all the tasks it costs points."""
    fixes: dict[str, Fix] = {}
    for line in lines:
        if line.reasons:
            reason = line.reasons[0]
            fix = fixes.setdefault(str(reason), Fix(reason, 0.0, []))
            fix.lost += line.task.lost
            fix.lines.append(line)
    return sorted(fixes.values(), key=lambda fix: -fix.lost)[:FIRST]


def _name(cell: NotebookNode) -> str:
    marks = cell.metadata.get("nbgrader", {})
    return marks.get("grade_id", "") if marks.get("grade") or marks.get("task") else ""


def _fold(nb: NotebookNode, lines: dict[str, Line]) -> None:
    """Mark where a section begins and ends, and which is folded: where there is nothing to see."""
    sections: list[list[NotebookNode]] = []
    for cell in nb.cells:
        cell.metadata["page"] = NotebookNode(line=lines.get(_name(cell)))
        if not sections or (not cell.metadata.get("nbgrader") and headings(cell)):
            sections.append([])
        sections[-1].append(cell)
    open_after = False
    for cells in reversed(sections):
        found = [cell.metadata.page.line for cell in cells if cell.metadata.page.line]
        comments = any(cell.metadata.get("nbgrader", {}).get("comment") for cell in cells)
        answers = any(cell.metadata.get("nbgrader", {}).get("solution") for cell in cells)
        # An answer may stand in a section of its own, before the one with its test.
        open_after = any(line.task.lost for line in found) or (open_after and answers and not found)
        told = headings(cells[0]) if not cells[0].metadata.get("nbgrader") else []
        cells[0].metadata.page.begins = NotebookNode(
            title=" · ".join(title for _, title in told),
            part=Part("", found) if found else None,
            open=comments or open_after,
        )
        cells[-1].metadata.page.ends = True
