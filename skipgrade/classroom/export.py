"""Grades for a learning platform, as export plugins of nbgrader's.

`skipgrade export` and `nbgrader export --exporter=skipgrade.classroom.export.Canvas` use the same
classes. A platform's own gradebook file is filled in: only it knows the platform's numbers.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, Student
from nbgrader.plugins import ExportPlugin
from traitlets import Unicode

from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.lms_file import LAYOUTS, LmsFile
from skipgrade.classroom.marking import Marking
from skipgrade.classroom.marks import Marks, find, together
from skipgrade.classroom.roster import Roster, fold
from skipgrade.judging.printable import printable

COLUMNS = (
    "points", "most", "bonus", "extra_credit", "unexplained", "late_penalty", "format_penalty",
    "total", "not_read_yet",
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Whose marks in what are exported, and what each assignment is worth without bonus."""

    students: list[Student]
    marks: dict[tuple[str, str], Marks]  # by student and assignment
    worth: dict[str, float]


class Grades(ExportPlugin):
    """A table of everybody's points; what is odd goes to the log and into `told`."""

    def export(self, gradebook: Gradebook) -> None:
        self.told: list[str] = []
        marking = Marking(parent=self)
        chosen = [str(one) for one in self.assignment]
        assignments = chosen or sorted(one.name for one in gradebook.assignments)
        wanted = {str(one) for one in self.student}
        students = [one for one in gradebook.students if not wanted or one.id in wanted]
        marks = {
            (one.id, name): found
            for one in students
            for name in assignments
            if (found := find(gradebook, name, one.id, marking)) is not None
        }
        worth = {name: _worth(gradebook.find_assignment(name), marking) for name in assignments}
        unread = sorted({one for (one, _), found in marks.items() if found.to_read})
        if unread:
            self.tell(f"Answers are not read yet, and count for nothing: {', '.join(unread)}")
        self.file = Path(self.to or self.default_file(assignments))
        self.write(self.file, Table(students, marks, worth))

    def default_file(self, assignments: list[str]) -> str:
        name = assignments[0] if len(assignments) == 1 else "all"
        return f"grades-{name}-{type(self).__name__.lower()}.csv"

    def tell(self, text: str) -> None:
        self.told.append(printable(text))
        if self.parent is not None:  # nbgrader's command; ours prints what was told
            self.log.warning(printable(text))

    def write(self, path: Path, table: Table) -> None:
        raise NotImplementedError


def _worth(assignment: Assignment, marking: Marking) -> float:
    """Without bonus."""
    cells = [cell for one in assignment.notebooks for cell in (*one.grade_cells, *one.task_cells)]
    return sum(cell.max_score for cell in cells if not marking.is_bonus(cell.name))


class Csv(Grades):
    """Every assignment with what its total consists of, and the sums of those under one cap."""

    def write(self, path: Path, table: Table) -> None:
        rules = Marking(parent=self)
        groups = [one for one in rules.capped if len(one) > 1 and {*one} <= {*table.worth}]
        head = ["student_id", "last_name", "first_name", "email"]
        head += [f"{name} {column}" for name in table.worth for column in COLUMNS]
        head += [f"{' + '.join(group)} total" for group in groups]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(head)
            for student in table.students:
                row = [student.id, student.last_name, student.first_name, student.email]
                found = {name: table.marks.get((student.id, name)) for name in table.worth}
                for one in found.values():
                    row += _columns(one)
                for group in groups:
                    parts = [one for name in group if (one := found[name]) is not None]
                    row.append(together(parts, sum(table.worth[name] for name in group)))
                writer.writerow(row)


def _columns(one: Marks | None) -> list[float | str]:
    if one is None:
        return [""] * len(COLUMNS)
    return [
        one.points, one.most, one.bonus, one.extra, one.unexplained, one.late,
        round(one.format_penalty, 4), one.total, one.to_read + one.bonus_to_read,
    ]  # fmt: skip


class Platform(Grades):
    """Fills the totals into a platform's own gradebook file."""

    platform = ""

    gradebook = Unicode(help="The gradebook file the file from the platform.").tag(config=True)
    roster = Unicode(help="A CSV file with columns id, name, email, and further names.").tag(
        config=True
    )
    column = Unicode(help="The column's header, where it is not the assignment's name.").tag(
        config=True
    )

    def write(self, path: Path, table: Table) -> None:
        layout = LAYOUTS[self.platform]
        if not self.gradebook:
            raise CourseError(
                f"Give the gradebook that {layout.platform} hands out with --gradebook FILE "
                f"({layout.where}): it holds the numbers by which it knows its students."
            )
        if len(table.worth) > 1 and (self.column or layout.score):
            raise CourseError("One column is for one assignment: name just that one.")
        file = LmsFile(Path(self.gradebook), layout)
        columns = {name: file.column(name, self.column) for name in table.worth}
        known = _names(table.students, Roster.read(Path(self.roster)) if self.roster else None)
        seen: set[str] = set()
        for row, names in file.people():
            who = self._who(names, known)
            if who is None or who in seen:
                self.tell(
                    f"{names[0]}: {'nobody here' if who is None else f'{who} again'}, left out"
                )
                continue
            seen.add(who)
            for name, column in columns.items():
                if (who, name) in table.marks:
                    file.put(row, column, table.marks[who, name].total)
        if lost := sorted({who for who, _ in table.marks} - seen):
            self.tell(f"Not in {self.gradebook}: {', '.join(lost)}")
        file.write(path)

    def _who(self, names: list[str], known: dict[str, set[str]]) -> str | None:
        """The one student whom the surest of these names means."""
        for name in (*names, *(name.partition("@")[0] for name in names if "@" in name)):
            found = known.get(fold(name), set())
            if len(found) == 1:
                return next(iter(found))
        return None


def _names(students: list[Student], roster: Roster | None) -> dict[str, set[str]]:
    """Whom a folded name may mean."""
    known: dict[str, set[str]] = defaultdict(set)
    for student in students:
        first, last = student.first_name or "", student.last_name or ""
        names = {student.id, student.email or "", student.lms_user_id or ""}
        names |= {(student.email or "").partition("@")[0]}
        if first and last:
            names |= {first + last, last + first}
        for name in names:
            known[fold(name)].add(student.id)
        for one in roster.students if roster else ():
            if one.id.casefold() == student.id.casefold():
                for name in one.names:
                    known[name].add(student.id)
    known.pop("", None)
    return known


class Canvas(Platform):
    platform = "canvas"


class Moodle(Platform):
    platform = "moodle"


class Blackboard(Platform):
    platform = "blackboard"


class Gradescope(Platform):
    platform = "gradescope"


PLUGINS: dict[str, type[Grades]] = {
    "csv": Csv,
    "canvas": Canvas,
    "moodle": Moodle,
    "blackboard": Blackboard,
    "gradescope": Gradescope,
}
