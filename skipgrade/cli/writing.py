"""Commands for who writes assignments: new, lint, rehearse, prove, holdout, release, publish."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from skipgrade.classroom.terminal import say
from skipgrade.cli.shared import DONE, NOT_DONE, Commands, take_assignments

if TYPE_CHECKING:
    from skipgrade.classroom.prove import Proof


def add_to(commands: Commands) -> None:
    command = commands.add_parser("new", help="make a course of your own, of these assignments")
    command.add_argument("folder", type=Path, metavar="FOLDER")
    command.add_argument(
        "--assignments", type=_names, default=[], metavar="01,05,...", help="default: all"
    )
    command.add_argument(
        "--from",
        type=Path,
        dest="origin",
        metavar="CLONE|ARCHIVE",
        help="where the notebooks are (default: the clone that is installed)",
    )
    command.set_defaults(run=_new)

    command = commands.add_parser("lint", help="what is wrong with source notebooks, without a run")
    take_assignments(command)
    command.set_defaults(run=_lint)

    command = commands.add_parser(
        "rehearse", help="run source notebooks and grade them: the solution and the empty stubs"
    )
    take_assignments(command)
    command.add_argument("--thorough", action="store_true", help="then `prove` the tests as well")
    command.set_defaults(run=_rehearse)

    command = commands.add_parser(
        "prove", help="try equivalents and mutants of solutions: are the tests fair, do they see?"
    )
    take_assignments(command)
    command.add_argument("--sample", type=int, default=200, metavar="N", help="at most N of each")
    command.add_argument("--seed", type=int, default=0, help="for what is drawn (default: 0)")
    command.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    command.add_argument("--json", type=Path, metavar="FILE", help="write everything there, too")
    command.add_argument(
        "--known", type=Path, metavar="FILE", help="survivors somebody has looked at, and why"
    )
    command.set_defaults(run=_prove)

    command = commands.add_parser("holdout", help="the private final test images")
    actions = command.add_subparsers(required=True, metavar="ACTION")
    command = actions.add_parser("build", help="build the students' pack and the private labels")
    take_assignments(command, default="all assignments that use one")
    command.set_defaults(run=_holdout_build)

    command = commands.add_parser("release", help="regenerate release/ from source/")
    take_assignments(command)
    command.set_defaults(run=_release)

    command = commands.add_parser(
        "publish", help="put what students may see into a folder or repository of its own"
    )
    command.add_argument("target", metavar="FOLDER|ADDRESS", help="a folder, or a git repository's")
    command.set_defaults(run=_publish)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _new(options: argparse.Namespace) -> int:
    from skipgrade.classroom import new_course

    new_course.make(options.folder, options.assignments, options.origin, say)
    return DONE


def _lint(options: argparse.Namespace) -> int:
    from skipgrade.classroom import lint
    from skipgrade.classroom.course import Course

    course = Course(options.course)
    chosen = course.chosen(options.assignments)
    found = [one for assignment in chosen for one in lint.examine(course, assignment)]
    for one in found:
        say(f"  {one}")
    say(f"{len(chosen)} assignment(s) looked at, {len(lint.faults(found))} thing(s) to fix")
    return NOT_DONE if lint.faults(found) else DONE


def _rehearse(options: argparse.Namespace) -> int:
    from skipgrade.classroom import rehearsal
    from skipgrade.classroom.course import Course

    course = Course(options.course)
    chosen = course.chosen(options.assignments)
    faults = []
    for assignment in chosen:
        if len(chosen) > 1:
            say(f"{assignment}:")
        done = rehearsal.rehearse(
            course.root, course.root / "build" / "rehearsal" / assignment, assignment, say
        )
        found = [*done.lost_by_solution(), *done.won_by_stubs()]
        for fault in found:
            say(f"  {fault}")
        say("Not ready to release." if found else "The solution earns every point, the stubs none.")
        faults += found
        if options.thorough:
            from skipgrade.classroom import prove

            proof = prove.prove(course, assignment)
            _tell(proof)
            faults += [one.cell for one, _ in proof.refused]
    return NOT_DONE if faults else DONE


def _prove(options: argparse.Namespace) -> int:
    import json

    from skipgrade.classroom import prove
    from skipgrade.classroom.course import Course

    course = Course(options.course)
    proofs = []
    for assignment in course.chosen(options.assignments):
        proof = prove.prove(
            course,
            assignment,
            sample=options.sample,
            seed=options.seed,
            workers=options.workers,
            known=prove.read_known(options.known, assignment) if options.known else None,
        )
        _tell(proof)
        proofs.append(proof)
        if options.json:  # what is finished stays, whatever comes next
            options.json.write_text(json.dumps([prove.as_data(one) for one in proofs], indent=1))
    return NOT_DONE if any(proof.refused for proof in proofs) else DONE


def _tell(proof: Proof) -> None:
    from skipgrade.classroom import prove

    say(f"{proof.assignment} ({proof.seconds:.0f} s)")
    for line in prove.lines(proof):
        say(line)


def _holdout_build(options: argparse.Namespace) -> int:
    say("Building the final test")
    from skipgrade.classroom import holdout
    from skipgrade.classroom.course import Course

    holdout.build(Course(options.course), options.assignments, say)
    return DONE


def _release(options: argparse.Namespace) -> int:
    from skipgrade.classroom import release
    from skipgrade.classroom.course import Course

    course = Course(options.course)
    chosen = course.chosen(options.assignments)
    say(f"Releasing {len(chosen)} assignment(s)")
    from skipgrade.classroom import holdout

    release.generate(course, chosen, say)
    release.complete(course, say)
    for warning in holdout.missing(course, chosen):
        say(warning)
    return DONE


def _publish(options: argparse.Namespace) -> int:
    from skipgrade.classroom import publish
    from skipgrade.classroom.course import Course

    say("Published:")
    publish.publish(Course(options.course), options.target, say)
    return DONE
