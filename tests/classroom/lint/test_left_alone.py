"""Is nothing said of what is in order, and nothing stopped by a note?"""

from __future__ import annotations

import pytest

from skipgrade import cli
from skipgrade.classroom import lint
from skipgrade.classroom.course import Course
from tests.classroom.lint.notebook import (
    ANSWER,
    DOUBLE,
    SETUP,
    TITLE,
    WHY,
    WHY_CELL,
    Break,
    field,
    found,
    sound,
    text,
    write,
)
from tests.conftest import ROOT


def test_a_sound_notebook_is_left_alone(course: Course) -> None:
    assert found(course) == []


NOTES: dict[str, tuple[Break, str]] = {
    "another id": (
        field(DOUBLE, "id", value="a1b2c3"),
        "cell double: note: its id in the file is a1b2c3",
    ),
    "no table": (text(TITLE, "**together**", "all"), "note: its text has no table of points"),
    "no mark scheme": (
        text(WHY_CELL, WHY, "Why?"),
        "cell why: note: a person grades it, and no mark scheme says by what",
    ),
    "no ids at all": (lambda notebook: notebook.update(nbformat_minor=4), "note: keeps no ids"),
}


@pytest.mark.parametrize(("change", "told"), NOTES.values(), ids=NOTES)
def test_a_note_stops_nothing(
    course: Course, change: Break, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = sound()
    change(notebook)
    if notebook["nbformat_minor"] < 5:
        for one in notebook["cells"]:
            del one["id"]
    write(course.root, notebook)
    assert [one for one in found(course) if told not in one] == []
    assert cli.main(["--course", str(course.root), "lint"]) == 0
    assert told in capsys.readouterr().out


ORDINARY = {
    "a comment about solutions": (DOUBLE, "# the solution doubles\n" + ANSWER),
    "the end of something": (SETUP, "ONE = 1\n# END OF SET-UP\n# begin here"),
    "a function used before it is called": (SETUP, "def later(x):\n    return double(x)\nONE = 1"),
    "training in a function": (
        SETUP,
        "from skipgrade import lab\ndef train():\n    return lab.fit(double, ONE)\nONE = 1",
    ),
    "a function of a function": (
        SETUP,
        "def outer(two):\n    def inner():\n        return two\n    return inner()\nONE = outer(1)",
    ),
    "a function that calls itself": (
        SETUP,
        "def down(n):\n    return down(n - 1) if n else 0\nONE = down(3)",
    ),
    "a wait": (SETUP, "import asyncio\nONE = 1\nawait asyncio.sleep(0)"),
    "a comprehension": (SETUP, "ONE = sum(n for n in [1] if n)\nlist(map(lambda n: n, [ONE]))"),
    "a class": (
        SETUP,
        "class A:\n    b = 1\n    c = b\n    def d(self):\n        return double\nONE=1",
    ),
    "a global": (SETUP, "def f():\n    global ONE\n    ONE = 1\nf()"),
    "a walrus": (SETUP, "[ONE := n for n in [1]]"),
    "an exception": (SETUP, "try:\n    ONE = 1\nexcept ValueError as error:\n    print(error)"),
    "a command": (SETUP, "!pip list\nONE = 1\nONE += 1"),
    "a match": (SETUP, "match 1:\n    case int(ONE):\n        print(ONE)"),
    "everything of a module": (SETUP, "from math import *\nONE = sin(1)"),
    "a token by name": (SETUP, "ONE = 1\ntoken = input()\npassword = f'{token}-and-more'"),
    "a Colab path": (SETUP, "ONE = '/content/drive/MyDrive/runs'"),
}


@pytest.mark.parametrize(("number", "source"), ORDINARY.values(), ids=ORDINARY)
def test_ordinary_code_is_left_alone(course: Course, number: int, source: str) -> None:
    notebook = sound()
    notebook["cells"][number]["source"] = source
    write(course.root, notebook)
    assert found(course) == []


def test_the_courses_own_notebooks_are_in_order() -> None:
    course = Course(ROOT)
    assert [str(one) for name in course.assignments() for one in lint.examine(course, name)] == []
