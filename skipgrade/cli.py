"""The command line: parses, calls the classroom, prints.

Each command imports what it needs: nbgrader takes seconds to import, torch more of them. A command
ends with one of the statuses below; argparse's own, for a wrong call, is 2.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from skipgrade import __version__
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.terminal import ReaderGoneError, complain, flush, say

if TYPE_CHECKING:
    from skipgrade.classroom.progress import Outcome


PLATFORMS = ("canvas", "moodle", "blackboard", "gradescope", "csv")
REASONS = 2  # lines the report has for each student
DONE, NOT_DONE, INTERRUPTED, UNREAD = 0, 1, 130, 141  # the last two: 128 and a signal's number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a mistake a person can fix ends in one line and `NOT_DONE`."""
    try:
        try:
            return _run(arguments)
        finally:
            flush()
    except ReaderGoneError:
        return UNREAD


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except CourseError as error:
        complain(f"skipgrade: {error}")
        return INTERRUPTED if isinstance(error.__cause__, KeyboardInterrupt) else NOT_DONE
    except KeyboardInterrupt:
        complain("skipgrade: stopped")
        return INTERRUPTED
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "skipgrade":
            raise
        complain(
            f"skipgrade: {package} is not installed. `pip install 'skipgrade[staff]'` brings "
            "what grading needs; `skipgrade doctor` says what else is missing."
        )
        return NOT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skipgrade", description="Release, grade and report a skipgrade course."
    )
    parser.add_argument(
        "--course",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="the folder with nbgrader_config.py (default: here)",
    )
    parser.add_argument("--version", action="version", version=f"skipgrade {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("release", help="regenerate release/ from source/")
    command.add_argument("assignments", nargs="*", metavar="ASSIGNMENT", help="default: all")
    command.set_defaults(run=_release)

    command = commands.add_parser(
        "publish", help="put what students may see into a folder or repository of its own"
    )
    command.add_argument("target", metavar="FOLDER|ADDRESS", help="a folder, or a git repository's")
    command.set_defaults(run=_publish)

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

    command = commands.add_parser("why", help="a student's verdicts, and what changed them")
    command.add_argument("student", metavar="STUDENT")
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.add_argument("--grading", type=int, metavar="N", help="an earlier one (default: last)")
    command.set_defaults(run=_why)

    command = commands.add_parser("ask", help="what a submission would earn now, off the record")
    command.add_argument("student", metavar="STUDENT")
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.set_defaults(run=_ask)

    command = commands.add_parser("report", help="print scores, and why points were lost")
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.add_argument("--all", action="store_true", help="every reason, not the first of each")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs to read")
    form.add_argument(
        "--html", type=Path, metavar="FILE", help="the class as one page: figures, tasks, students"
    )
    command.set_defaults(run=_report)

    command = commands.add_parser("export", help="write the grades for a learning platform")
    command.add_argument("assignments", nargs="*", metavar="ASSIGNMENT", help="default: all")
    command.add_argument("--to", required=True, choices=PLATFORMS, dest="platform")
    command.add_argument("--gradebook", default="", metavar="FILE", help="the platform's file")
    command.add_argument("--roster", default="", metavar="FILE.csv", help="with columns id, name")
    command.add_argument("--column", default="", metavar="HEADER", help="if it has another name")
    command.add_argument("--into", default="", metavar="FILE", help="default: grades-....csv")
    command.set_defaults(run=_export)

    command = commands.add_parser("similar", help="list pairs of submissions with much in common")
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.add_argument(
        "--roster", type=Path, metavar="FILE.csv", help="its groups are not compared in themselves"
    )
    command.add_argument("--json", action="store_true", help="for programs to read")
    command.set_defaults(run=_similar)

    command = commands.add_parser("feedback", help="write the students' HTML feedback")
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.set_defaults(run=_feedback)

    command = commands.add_parser(
        "rehearse", help="run a source notebook and grade it: the solution and the empty stubs"
    )
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.set_defaults(run=_rehearse)

    command = commands.add_parser("holdout", help="the private final test images")
    actions = command.add_subparsers(required=True, metavar="ACTION")
    command = actions.add_parser("build", help="build the students' pack and the private labels")
    command.add_argument(
        "assignments", nargs="*", metavar="ASSIGNMENT", help="default: all assignments that use one"
    )
    command.set_defaults(run=_holdout_build)

    command = commands.add_parser(
        "doctor", help="what this machine and course lack for grading a class"
    )
    command.add_argument("--json", action="store_true", help="for programs to read")
    command.set_defaults(run=_doctor)

    command = commands.add_parser("demo", help="the whole workflow on a sample class of 01")
    command.set_defaults(run=_demo)
    return parser


def _release(options: argparse.Namespace) -> int:
    from skipgrade.classroom import release
    from skipgrade.classroom.course import Course

    course = Course(options.course)
    chosen = options.assignments or course.assignments()
    say(f"Releasing {len(chosen)} assignment(s)")
    from skipgrade.classroom import holdout

    release.generate(course, chosen, say)
    release.complete(course, say)
    for warning in holdout.missing(course, chosen):
        say(warning)
    return DONE


def _holdout_build(options: argparse.Namespace) -> int:
    say("Building the final test")
    from skipgrade.classroom import holdout
    from skipgrade.classroom.course import Course

    holdout.build(Course(options.course), options.assignments, say)
    return DONE


def _publish(options: argparse.Namespace) -> int:
    from skipgrade.classroom import publish
    from skipgrade.classroom.course import Course

    say("Published:")
    publish.publish(Course(options.course), options.target, say)
    return 0


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


def _why(options: argparse.Namespace) -> int:
    from skipgrade.classroom import why
    from skipgrade.classroom.course import Course

    course = Course(options.course)
    return _say_all(why.lines(course, options.assignment, options.student, options.grading))


def _ask(options: argparse.Namespace) -> int:
    from skipgrade.classroom import ask
    from skipgrade.classroom.course import Course

    return _say_all(ask.lines(Course(options.course), options.assignment, options.student))


def _say_all(lines: Iterable[str]) -> int:
    for line in lines:
        say(line)
    return DONE


def _say_summary(outcomes: Sequence[Outcome]) -> None:
    from skipgrade.classroom import protection
    from skipgrade.classroom.progress import summary

    for line in (*summary(outcomes), *(f"  {note}" for note in protection.notes())):
        say(line)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes: 0, 1, 2, ...")
    return int(text)


def _report(options: argparse.Namespace) -> int:
    from skipgrade.classroom import report
    from skipgrade.classroom.course import Course

    course = Course(options.course)
    table = report.rows(course, options.assignment)
    if options.html:
        from skipgrade.classroom import class_page

        class_page.write(course, options.assignment, table, options.html)
        say(f"  {options.html}")
        return DONE
    width = shutil.get_terminal_size(fallback=(120, 0)).columns
    as_text = report.lines(table, max(80, width), None if options.all else REASONS)
    as_json = report.as_json(options.assignment, table)
    return _say_all(as_json.splitlines() if options.json else as_text)


def _export(options: argparse.Namespace) -> int:
    from skipgrade.classroom.course import Course
    from skipgrade.classroom.export import PLUGINS

    course = Course(options.course)
    for assignment in options.assignments:
        course.require(assignment)
    settings = {"assignment": options.assignments, "to": options.into}
    if options.platform != "csv":
        names = ("gradebook", "roster", "column")
        settings |= {name: getattr(options, name) for name in names}
    plugin = PLUGINS[options.platform](config=course.config, **settings)
    with course.gradebook() as book:
        plugin.export(book)
    return _say_all(f"  {line}" for line in (*plugin.told, f"Written: {plugin.file}"))


def _similar(options: argparse.Namespace) -> int:
    from skipgrade.classroom.course import Course
    from skipgrade.classroom.roster import Roster
    from skipgrade.classroom.similar import comparing

    course = Course(options.course)
    roster = Roster.read(options.roster) if options.roster else None
    pairs = comparing.compare(course, options.assignment, roster)
    as_text = comparing.lines(pairs, len(course.submissions(options.assignment)))
    as_json = comparing.as_json(options.assignment, pairs)
    return _say_all(as_json.splitlines() if options.json else as_text)


def _feedback(options: argparse.Namespace) -> int:
    from skipgrade.classroom import feedback
    from skipgrade.classroom.course import Course

    feedback.generate(Course(options.course), options.assignment, say)
    return DONE


def _rehearse(options: argparse.Namespace) -> int:
    project = options.course.resolve()
    folder = project / "build" / "rehearsal" / options.assignment
    from skipgrade.classroom import rehearsal

    done = rehearsal.rehearse(project, folder, options.assignment, say)
    faults = [*done.lost_by_solution(), *done.won_by_stubs()]
    for fault in faults:
        say(f"  {fault}")
    say("Not ready to release." if faults else "The solution earns every point, the stubs none.")
    return NOT_DONE if faults else DONE


def _doctor(options: argparse.Namespace) -> int:
    from skipgrade.classroom import doctor

    findings = list(doctor.examine(options.course.resolve()))
    as_text = doctor.lines(findings, shutil.get_terminal_size().columns)
    for line in doctor.as_json(findings).splitlines() if options.json else as_text:
        say(line)
    return DONE if doctor.ready(findings) else NOT_DONE


def _demo(options: argparse.Namespace) -> int:
    from skipgrade.classroom import demo

    demo.run(options.course.resolve(), say)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
