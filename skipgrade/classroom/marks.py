"""What one submission has earned: the only place where points are added up.

Report, feedback, export and Formgrader show the same numbers: the points of cells, extra credit and
how late a submission is are the gradebook's own, and what `Marking` makes of them is computed here
alone. That goes for the late penalty too: the gradebook has the one from when tests were run.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nbgrader.api import Grade, Gradebook, MissingEntry, SubmittedAssignment

from skipgrade.classroom.late import days
from skipgrade.classroom.marking import Marking


@dataclass(frozen=True)
class Task:
    """A graded cell: what it earned, and who decides."""

    cell: str
    points: float
    most: float
    extra: float = 0.0
    bonus: bool = False
    by_hand: bool = False
    waits: bool = False  # for a person who has given no points yet
    again: bool = False  # a person gave points, and is to look once more
    unexplained: bool = False  # its points count for nothing: the explanation earned none

    @property
    def full(self) -> bool:
        return not self.waits and self.points >= self.most

    @property
    def lost(self) -> float:
        return 0.0 if self.waits else max(0.0, self.most - self.points)


@dataclass(frozen=True)
class Marks:
    """A submission's points and their sum."""

    tasks: list[Task] = field(default_factory=list)
    late: float = 0.0
    days_late: int = 0
    format_share: float = 0.0
    capped: bool = False  # alone: it never earns more than it is worth without bonus

    @property
    def points(self) -> float:
        """What the tasks earned, bonus and extra credit apart."""
        return sum(task.points for task in self.tasks if not task.bonus)

    @property
    def most(self) -> float:
        return sum(task.most for task in self.tasks if not task.bonus)

    @property
    def bonus(self) -> float:
        return sum(task.points for task in self.tasks if task.bonus)

    @property
    def most_bonus(self) -> float:
        return sum(task.most for task in self.tasks if task.bonus)

    @property
    def extra(self) -> float:
        return sum(task.extra for task in self.tasks)

    @property
    def gross(self) -> float:
        """All of it before penalties: what Formgrader calls the score."""
        return self.points + self.bonus + self.extra

    @property
    def late_in_words(self) -> str:
        return f"handed in {self.days_late} day{'' if self.days_late == 1 else 's'} late"

    @property
    def unexplained(self) -> float:
        """Points of choices that anyone can guess, whose explanation earned none."""
        return sum(task.points for task in self.tasks if task.unexplained)

    @property
    def format_penalty(self) -> float:
        return self.format_share * max(0.0, self.gross - self.unexplained - self.late)

    @property
    def over(self) -> float:
        """What the cap takes away."""
        left = max(0.0, self.gross - self.unexplained - self.late - self.format_penalty)
        return max(0.0, left - self.most) if self.capped else 0.0

    @property
    def total(self) -> float:
        net = self.gross - self.unexplained - self.late - self.format_penalty - self.over
        return round(max(0.0, net), 4)

    @property
    def to_read(self) -> float:
        """Points that wait for a person, bonus apart."""
        return sum(task.most for task in self.tasks if task.waits and not task.bonus)

    @property
    def bonus_to_read(self) -> float:
        return sum(task.most for task in self.tasks if task.waits and task.bonus)


def marks_of(submission: SubmittedAssignment, marking: Marking) -> Marks:
    """A submission's marks, tasks in the order of the gradebook."""
    assignment, student = submission.assignment.name, submission.student.id
    seconds_late = submission.total_seconds_late
    tasks, late = [], 0.0
    for notebook in submission.notebooks:
        by_hand = {cell.name for cell in notebook.notebook.solution_cells}
        by_hand |= {cell.name for cell in notebook.notebook.task_cells}
        here = explained([_task(grade, by_hand, marking) for grade in notebook.grades], marking)
        counted = Marks(here).gross - Marks(here).unexplained
        late += marking.late_penalty(student, counted, seconds_late)
        tasks += here
    return Marks(
        tasks,
        late=round(late, 4),
        days_late=days(seconds_late),
        format_share=marking.format_share(assignment, student),
        capped=marking.capped_with(assignment) == [assignment],
    )


def explained(tasks: list[Task], marking: Marking) -> list[Task]:
    """The tasks, with a note on those whose explanation has been read and earned nothing."""
    by_name = {task.cell: task for task in tasks}
    found = []
    for task in tasks:
        why = by_name.get(marking.explanation_of(task.cell) or "")
        found.append(
            replace(task, unexplained=why is not None and not why.waits and why.points <= 0)
        )
    return found


def _task(grade: Grade, by_hand: set[str], marking: Marking) -> Task:
    given = grade.manual_score if grade.manual_score is not None else grade.auto_score
    return Task(
        grade.name,
        points=given or 0.0,
        most=grade.max_score,
        # nbgrader counts extra credit where a cell has points at all, be they 0.
        extra=(grade.extra_credit or 0.0) if given is not None else 0.0,
        bonus=marking.is_bonus(grade.name),
        by_hand=grade.name in by_hand or grade.cell_type != "code",
        waits=bool(grade.needs_manual_grade) and grade.manual_score is None,
        again=bool(grade.needs_manual_grade) and grade.manual_score is not None,
    )


def together(parts: Iterable[Marks], worth: float) -> float:
    """Assignments under one cap: their sum, never more than all are `worth` without bonus."""
    return round(min(sum(one.total for one in parts), worth), 4)


def find(book: Gradebook, assignment: str, student: str, marking: Marking) -> Marks | None:
    """A student's marks; None where nothing is graded."""
    try:
        return marks_of(book.find_submission(assignment, student), marking)
    except MissingEntry:
        return None
