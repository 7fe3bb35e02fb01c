"""Grades a class: each submission by nbgrader's Autograde, in as many processes as there are.

Workers grade (`task`), this process alone writes (`writing`). A submission that is graded to the
end and unchanged is left alone (`ledger`), so that an interrupted run is continued by starting it
again.
"""

import fcntl
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry

from skipgrade.classroom import cluster, rows, terminal
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.ledger import FOLDER, Ledger
from skipgrade.classroom.progress import Bar, Lines, Outcome
from skipgrade.classroom.task import Graded, GradingJob, own_settings
from skipgrade.classroom.writing import NotWrittenError, Writer
from skipgrade.judging.grader.execute import why_not_here

NAMED = 10


class GradingStoppedError(CourseError):
    """The run ended early; everything before that is kept."""

    def __init__(self, why: str, outcomes: list[Outcome], left: list[str]) -> None:
        kept = sum(one.scored for one in outcomes)
        names = ", ".join(left[:NAMED]) + (", ..." if len(left) > NAMED else "")
        super().__init__(
            f"grading stopped: {why}. {kept} graded and saved, {len(left)} not graded yet: "
            f"{names}. Run the same command again to continue."
        )
        self.outcomes, self.left = outcomes, left


def grade(
    course: Course,
    assignment: str,
    students: Sequence[str] | None = None,
    say: Callable[[str], None] = terminal.say,
    *,
    workers: int | None = 0,
    scheduler: str | None = None,
    kernels: Mapping[str, str] | None = None,
    force: bool = False,
    show: Callable[[int, Callable[[str], None]], AbstractContextManager[Lines | Bar]] = Lines,
) -> list[Outcome]:
    """Grade every submission of an assignment, or those of some students.

    `workers=0` grades in this process, None on as many workers as the machine has room for; with
    `kernels`, what `shared_by_workers` gives, they fork theirs from a process begun before.
    """
    notebooks = notebook_names(course, assignment)
    chosen = _chosen(course, assignment, students)
    sources = [course.folder("source", assignment) / f"{name}.ipynb" for name in notebooks]
    with _place(course, assignment) as place, course.gradebook() as book:
        ledger = Ledger(course, assignment)
        to_do = chosen if force else _unfinished(book, ledger, chosen)
        outcomes = [Outcome(one, 0.0, fresh=False) for one in chosen if one not in set(to_do)]
        if outcomes:
            say(f"  {len(outcomes)} graded before and unchanged")
        if to_do:
            jobs = _jobs(course, assignment, notebooks, book, place, to_do)
            writer = Writer(course, assignment, book, ledger)
            by = _cluster(course, sources, len(to_do), workers, scheduler, kernels, say)
            outcomes += _collect(by, jobs, writer, to_do, lambda: show(len(to_do), say))
    return outcomes


def notebook_names(course: Course, assignment: str) -> list[str]:
    """The notebooks the gradebook expects; an error where nothing was released yet."""
    course.require(assignment)
    with course.gradebook() as book:
        try:
            return [notebook.name for notebook in book.find_assignment(assignment).notebooks]
        except MissingEntry as error:
            raise CourseError(
                f"The gradebook does not know {assignment}: "
                f"run `nbgrader generate_assignment {assignment}` first."
            ) from error


def _chosen(course: Course, assignment: str, students: Sequence[str] | None) -> list[str]:
    present = course.submissions(assignment)
    chosen = list(dict.fromkeys(students)) if students else present
    missing = sorted(set(chosen) - set(present))
    if missing or not chosen:
        who = ", ".join(missing) or "any student"
        raise CourseError(
            f"submitted/ holds no submission of {who} for {assignment}: "
            f"put it into submitted/STUDENT/{assignment}/."
        )
    return chosen


@contextmanager
def _place(course: Course, assignment: str) -> Iterator[Path]:
    """An empty folder for what is not finished, held by one run at a time."""
    place = course.root / FOLDER / "running" / assignment
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{assignment}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CourseError(
                f"{assignment} is being graded in {course.root} already: wait for that run, "
                "or stop it."
            ) from error
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _unfinished(book: Gradebook, ledger: Ledger, students: list[str]) -> list[str]:
    with book.engine.connect() as connection:
        return [
            student
            for student in students
            if not ledger.finished(student, rows.submission(connection, ledger.assignment, student))
        ]


def _jobs(
    course: Course,
    assignment: str,
    notebooks: list[str],
    book: Gradebook,
    place: Path,
    students: list[str],
) -> Iterator[GradingJob]:
    """One job after the other, when a worker is free: each carries what the gradebook holds."""
    seed = place / "seed.db"
    with book.engine.connect() as connection:
        rows.write_seed(connection, assignment, seed)
    for student in students:
        with book.engine.connect() as connection:
            before = rows.submission(connection, assignment, student)
        own = place / uuid.uuid4().hex
        own.mkdir()
        yield GradingJob(
            root=str(course.root),
            assignment=assignment,
            student=student,
            notebooks=notebooks,
            place=str(own),
            seed=str(seed),
            before=before,
            environment=own_settings(),
        )


def _cluster(
    course: Course,
    sources: list[Path],
    submissions: int,
    workers: int | None,
    scheduler: str | None,
    kernels: Mapping[str, str] | None,
    say: Callable[[str], None],
) -> AbstractContextManager[cluster.Results]:
    if scheduler is not None:
        return cluster.given(scheduler, sources, say)
    if reason := why_not_here(course.config):
        raise CourseError(reason)
    if workers == 0:
        return cluster.here(course)
    processes = min(workers or cluster.default_workers(), submissions)
    return cluster.local(processes, sources, kernels)


def _collect(
    by: AbstractContextManager[cluster.Results],
    jobs: Iterator[GradingJob],
    writer: Writer,
    students: list[str],
    begin: Callable[[], AbstractContextManager[Lines | Bar]],
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        with by as results, begin() as bar:
            for graded in results(jobs):
                writer.write(graded)
                outcomes.append(_outcome(graded))
                bar.done(outcomes[-1])
    except (KeyboardInterrupt, cluster.ClusterLostError, NotWrittenError) as error:
        kept = {one.student for one in outcomes if one.scored}
        left = [student for student in students if student not in kept]
        raise GradingStoppedError(str(error) or "interrupted", outcomes, left) from error
    return outcomes


def _outcome(graded: Graded) -> Outcome:
    given = rows.scores(graded.rows).values() if graded.rows else ()
    return Outcome(
        graded.student,
        graded.seconds,
        graded.failure,
        scored=graded.rows is not None,
        score=sum(score or 0.0 for score in given),
    )
