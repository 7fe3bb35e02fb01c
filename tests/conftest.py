"""What every test may use: the sample class, graded once by the stock command."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from nbgrader import api

from skipgrade.classroom import demo, release, report, sample
from skipgrade.classroom.course import Course
from skipgrade.lab.machine import cores, keep_freed_memory

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
COSTLY = ("rehearsed", "demo_class", "graded")  # fixtures to set up once, in one process
# Groups that take minutes, longest first: begun last, one of them would keep one core waiting.
LONGEST = (
    "04-", "07-", "03-", "06-", "05-", "02-", "08-", "01-", *COSTLY, "bent-", "test_elsewhere",
    "test_term", "test_new_course",
)  # fmt: skip
TRAINING_S = 3600  # the most that all trainings of an assignment may take on a slow machine


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: the cores this process may use; pytest-xdist counts those of the machine."""
    return cores()


def pytest_configure() -> None:
    """Started in the background of a shell, we and what we start would not hear Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    keep_freed_memory()  # as in the kernels that judge


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("real_data") and not os.environ.get("SKIPGRADE_DATA"):
        pytest.skip("SKIPGRADE_DATA does not say where the real CIFAR files lie")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that run side by side: those of a file, or of a costly fixture, stay together."""
    for item in items:
        shared = next((name for name in COSTLY if name in getattr(item, "fixturenames", ())), "")
        group = shared or item.path.name
        if shared == "rehearsed":
            group = item.callspec.params["rehearsed"]  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.timeout(TRAINING_S))
        item.add_marker(pytest.mark.xdist_group(group))
    tests = Counter(_group(item) for item in items)
    items.sort(key=lambda item: (_rank(_group(item)), -tests[_group(item)]))


def _group(item: pytest.Item) -> str:
    """As pytest-xdist names it: of several names all."""
    return "_".join(sorted({marker.args[0] for marker in item.iter_markers("xdist_group")}))


def _rank(group: str) -> int:
    found = (place for place, start in enumerate(LONGEST) if group.startswith(start))
    return next(found, len(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def nbgrader_asks_once_for_its_tables() -> Iterator[None]:
    """For each new gradebook it starts a process that tells the version of its tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "get_alembic_version", cache(api.get_alembic_version))
        yield


@pytest.fixture(autouse=True)
def environment_as_it_was() -> Iterator[None]:
    """`skipgrade demo`, run in this process, chooses the images for all that comes after it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def no_figure_left_open() -> Iterator[None]:
    """Of twenty that are, matplotlib warns, in whatever test comes next in that worker."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def run_nbgrader(course: Course, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the stock command in a course, on the built-in data."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    return subprocess.run(
        [BIN / "nbgrader", *arguments],
        cwd=course.root,
        env=os.environ | {"PATH": path, "SKIPGRADE_DATASET": "builtin"},
        capture_output=True,
        text=True,
    )


@dataclass
class GradedClass:
    """The sample class after `nbgrader autograde`, and what the report says of it."""

    course: Course
    autograde: subprocess.CompletedProcess[str]

    def row(self, student: str) -> report.Row:
        table = report.rows(self.course, sample.ASSIGNMENT)
        return next(row for row in table if row.student == student)


@pytest.fixture(scope="session")
def demo_class(tmp_path_factory: pytest.TempPathFactory) -> GradedClass:
    course = demo.new_course(ROOT, tmp_path_factory.mktemp("demo") / "course")
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write("\nc.Execute.timeout = 20\n")  # one of the class has an endless cell
    release.generate(course, [sample.ASSIGNMENT], lambda text: None)
    sample.write_class(course, lambda text: None)
    return GradedClass(course, run_nbgrader(course, "autograde", sample.ASSIGNMENT))
