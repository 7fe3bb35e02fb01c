"""Commands about this machine: doctor, demo."""

from __future__ import annotations

import argparse
import shutil

from skipgrade.classroom.terminal import say
from skipgrade.cli.shared import DONE, NOT_DONE, Commands


def add_to(commands: Commands) -> None:
    command = commands.add_parser(
        "doctor", help="what this machine and course lack for grading a class"
    )
    command.add_argument("--json", action="store_true", help="for programs to read")
    command.set_defaults(run=_doctor)

    command = commands.add_parser("demo", help="the whole workflow on a sample class of 01")
    command.set_defaults(run=_demo)


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
