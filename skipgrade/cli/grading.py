"""Commands from submissions to feedback: collect, grade, regrade, feedback."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from skipgrade.classroom.terminal import say
from skipgrade.cli.shared import DONE, NOT_DONE, Commands

if TYPE_CHECKING:
    from skipgrade.classroom.progress import Outcome


def add_to(commands: Commands) -> None:
    command = commands.add_parser(
        "collect", help="put what a learning platform hands out under submitted/"
    )
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a zip or folder")
    command.add_argument("--roster", type=Path, metavar="FILE.csv", help="with columns id, name")
    command.set_defaults(run=_collect)

    command = commands.add_parser("grade", help="grade the submissions under submitted/")
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.add_argument("--student", action="append", help="only this one (repeatable)")
    command.add_argument(
        "--force", action="store_true", help="grade again even what is graded and unchanged"
    )
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="number of worker processes (default: as cores and memory allow; 0: none)",
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="address of a Dask scheduler to use")
    command.set_defaults(run=_grade)

    command = commands.add_parser("regrade", help="grade again also what is finished")
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.add_argument("--student", action="append", help="only this one (repeatable)")
    command.add_argument("--diff", action="store_true", help="what changed, and because of what")
    command.add_argument("--workers", type=_count, metavar="N", help="as for grade")
    command.set_defaults(run=_regrade, force=True, scheduler=None)

    command = commands.add_parser("feedback", help="write the students' HTML feedback")
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.set_defaults(run=_feedback)


def _collect(options: argparse.Namespace) -> int:
    from skipgrade.classroom import collect
    from skipgrade.classroom.course import Course

    course = Course(options.course)
    return collect.collect(course, options.assignment, options.files, options.roster, say)


def _grade(options: argparse.Namespace) -> int:
    say(f"Grading {options.assignment}")
    from skipgrade.classroom import workers
    from skipgrade.judging.grader.preload import shared_by_workers

    elsewhere = options.scheduler is not None or options.workers == 0
    with nullcontext({}) if elsewhere else shared_by_workers() as kernels:
        # What kernels and workers need is imported over there, while we import what we need here.
        if not elsewhere:
            workers.begin()
        from skipgrade.classroom import doctor, grading, progress
        from skipgrade.classroom.course import Course

        course = Course(options.course)
        for line in [] if options.scheduler else doctor.in_short(course.root):
            say(line)
        try:
            outcomes = grading.grade(
                course,
                options.assignment,
                options.student,
                say,
                workers=options.workers,
                scheduler=options.scheduler,
                kernels=kernels,
                force=options.force,
                show=progress.for_stderr,
            )
        except grading.GradingStoppedError as stopped:
            _say_summary(stopped.outcomes)
            raise
    _say_summary(outcomes)
    if all(outcome.scored for outcome in outcomes):
        return DONE
    say(f"The log is in {course.log_file}.")
    return NOT_DONE


def _regrade(options: argparse.Namespace) -> int:
    from skipgrade.classroom import why
    from skipgrade.classroom.course import Course
    from skipgrade.classroom.record import Record

    record = Record(Course(options.course).root, options.assignment)
    before = record.graded()
    status = _grade(options)
    pairs, new = why.graded_since(before, record.graded())
    for line in (why.in_one_line(pairs, new), *(why.as_lines(pairs) if options.diff else ())):
        say(line)
    return status


def _say_summary(outcomes: Sequence[Outcome]) -> None:
    from skipgrade.classroom import protection
    from skipgrade.classroom.progress import summary

    for line in (*summary(outcomes), *(f"  {note}" for note in protection.notes())):
        say(line)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes: 0, 1, 2, ...")
    return int(text)


def _feedback(options: argparse.Namespace) -> int:
    from skipgrade.classroom import feedback
    from skipgrade.classroom.course import Course

    feedback.generate(Course(options.course), options.assignment, say)
    return DONE
