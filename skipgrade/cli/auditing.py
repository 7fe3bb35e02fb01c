"""Training a sample of a class again: audit."""

from __future__ import annotations

import argparse
from pathlib import Path

from skipgrade.classroom.terminal import say
from skipgrade.cli.shared import DONE, NOT_DONE, Commands


def add_to(commands: Commands) -> None:
    command = commands.add_parser(
        "audit", help="train submissions again with their own code, and compare; changes no grade"
    )
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.add_argument("students", nargs="*", metavar="STUDENT", help="default: all")
    command.add_argument("--sample", type=_count, metavar="N", help="so many of them, drawn")
    command.add_argument(
        "--seed", type=int, default=0, metavar="S", help="what the sample is drawn from"
    )
    command.add_argument(
        "--epochs",
        type=_count,
        default=0,
        metavar="E",
        help="of each run at most (default: all its code asks for)",
    )
    command.add_argument(
        "--minutes", type=_count, default=60, metavar="M", help="for one submission (default: 60)"
    )
    command.add_argument(
        "--device", choices=("cpu", "cuda"), default="", help="default: GPU if any"
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="for programs to read")
    command.add_argument(
        "--figure", type=Path, metavar="FILE", help="both curves of each run (.png, .svg, .pdf)"
    )
    command.set_defaults(run=_audit)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def _audit(options: argparse.Namespace) -> int:
    from skipgrade.classroom import audit
    from skipgrade.classroom.audit import figure, progress, told
    from skipgrade.classroom.audit.comparing import NOT_RUN
    from skipgrade.classroom.course import Course

    course = Course(options.course)
    chosen = audit.sample_of(
        course, options.assignment, options.students, options.sample, options.seed
    )
    audit.demand_means(course, options.device)
    terms = audit.Terms(epochs=options.epochs, minutes=options.minutes, device=options.device)
    found = []
    with progress.Bar(len(chosen)) as bar:
        auditor = audit.Auditor(course, options.assignment, terms, bar)
        for student in chosen:
            found.append(auditor.audit(student))
            for line in told.student_lines(found[-1]):
                bar.line(line)
    for line in told.summary_lines(found, len(course.submissions(options.assignment))):
        say(line)
    if options.json:
        options.json.write_text(told.as_json(options.assignment, found) + "\n", encoding="utf-8")
    if options.figure:
        figure.write(found, options.figure)
    return NOT_DONE if any(one.verdict == NOT_RUN for one in found) else DONE
