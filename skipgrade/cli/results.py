"""Commands about what a class has earned: why, report, export, similar."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from skipgrade.classroom.terminal import say
from skipgrade.cli.shared import DONE, Commands, take_assignments

PLATFORMS = ("canvas", "moodle", "blackboard", "gradescope", "csv")
REASONS = 2  # lines the report has for each student


def add_to(commands: Commands) -> None:
    command = commands.add_parser("why", help="a student's verdicts, and what changed them")
    command.add_argument("student", metavar="STUDENT")
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.add_argument("--grading", type=int, metavar="N", help="an earlier one (default: last)")
    command.set_defaults(run=_why)

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
    take_assignments(command)
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


def _why(options: argparse.Namespace) -> int:
    from skipgrade.classroom import why
    from skipgrade.classroom.course import Course

    course = Course(options.course)
    for line in why.lines(course, options.assignment, options.student, options.grading):
        say(line)
    return DONE


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
    for line in report.as_json(options.assignment, table).splitlines() if options.json else as_text:
        say(line)
    return DONE


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
    for line in (*plugin.told, f"Written: {plugin.file}"):
        say(f"  {line}")
    return DONE


def _similar(options: argparse.Namespace) -> int:
    from skipgrade.classroom.course import Course
    from skipgrade.classroom.roster import Roster
    from skipgrade.classroom.similar import comparing

    course = Course(options.course)
    roster = Roster.read(options.roster) if options.roster else None
    pairs = comparing.compare(course, options.assignment, roster)
    as_text = comparing.lines(pairs, len(course.submissions(options.assignment)))
    as_json = comparing.as_json(options.assignment, pairs)
    for line in as_json.splitlines() if options.json else as_text:
        say(line)
    return DONE
