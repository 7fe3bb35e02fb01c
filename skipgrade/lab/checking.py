"""`lab.check()`: every visible test at once, and what it cannot tell."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from skipgrade.lab import session
from skipgrade.lab.errors import LabError
from skipgrade.lab.machine import autograding
from skipgrade.lab.trying import PASSED, Outcome, try_test
from skipgrade.lab.visible import Task, released

Found = list[tuple[Task, Outcome]]


def check(assignment: str | None = None) -> None:
    """Run every visible test of this notebook, a line a task. Your variables stay as they are.

    The assignment is told from the cells that were run, or by its name: "01-lenet5-pipeline".
    """
    if autograding():
        return
    tests = released()
    name = assignment or _which(tests)
    if name not in tests:
        raise LabError(f"There is no assignment {name!r}. There is: {', '.join(tests)}.")
    print("\n".join(report(name, tests[name], try_all(tests[name], session.names()))))


def try_all(tasks: Iterable[Task], names: Mapping[str, Any]) -> Found:
    """Each test on a copy of the names; one that wants what a test above assigned finds it."""
    found = []
    assigned: dict[str, Any] = {}
    for task in tasks:
        if task.test is not None:
            own = {**assigned, **names}
            found.append((task, try_test(task.test, own)))
            assigned |= {key: own[key] for key in own if key not in names}
    return found


def report(assignment: str, tasks: Sequence[Task], found: Found) -> list[str]:
    """Lines for a person."""
    lines = [f"{assignment}: the visible tests"]
    width = max((len(outcome.state) for _, outcome in found), default=0)
    for (task, outcome), label in zip(found, labels(found), strict=True):
        line = f"  {outcome.state:<{width}}  {_points(task.points):>9}  {label}"
        lines.append(f"{line}: {outcome.sentence}" if outcome.sentence else line)
    passed = [task for task, outcome in found if outcome.state == PASSED]
    lines += [
        f"{len(passed)} of {len(found)} visible tests pass. Their tasks are worth {_sum(passed)}, "
        f"all tested tasks {_sum(task for task, _ in found)}.",
        "Hidden tests give the points when you are graded: they try what the text asks for on "
        "other inputs, and your weights on images you have not seen.",
    ]
    read = [task for task in tasks if task.test is None]
    if read:
        lines.append(f"A person reads your written answers ({len(read)}): {_sum(read)}.")
    return lines


def to_fix(found: Found) -> list[str]:
    """What does not pass, in a line each."""
    return [
        f"{label}: {outcome.sentence or outcome.state}"
        for (_, outcome), label in zip(found, labels(found), strict=True)
        if outcome.state != PASSED
    ]


def labels(found: Found) -> list[str]:
    """The heading of each task; with the cell's name where several stand under one heading."""
    tests = Counter(task.title for task, _ in found)
    return [
        task.title if tests[task.title] == 1 else f"{task.title} [{_plain(task)}]"
        for task, _ in found
    ]


def _plain(task: Task) -> str:
    return task.name.removesuffix("-test").removeprefix("test-")


def _sum(tasks: Iterable[Task]) -> str:
    every = list(tasks)
    bonus = sum(task.points for task in every if task.bonus)
    plain = _points(sum(task.points for task in every) - bonus)
    return f"{plain} (and {bonus:g} of the bonus)" if bonus else plain


def _points(points: float) -> str:
    return f"{points:g} point" + ("" if points == 1 else "s")


def _which(tests: Mapping[str, list[Task]]) -> str:
    """The assignment most of whose test cells were run here; else the one notebook next to us."""
    executed = session.executed()
    ran = {
        name: sum(task.test.strip() in executed for task in tasks if task.test)
        for name, tasks in tests.items()
    }
    most = max(ran.values(), default=0)
    likely = [name for name, count in ran.items() if count == most and most > 0]
    likely = likely or [name for name in tests if Path(f"{name}.ipynb").is_file()]
    if len(likely) == 1:
        return likely[0]
    example = next(iter(tests), "")
    raise LabError(
        f"Which assignment is this? Run a test cell first, or name it: lab.check({example!r}). "
        f"There is: {', '.join(tests)}."
    )
