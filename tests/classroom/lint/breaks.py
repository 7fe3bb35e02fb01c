"""Ways to break a source notebook: how, the place that is named, and what is said of it."""

from __future__ import annotations

from tests.classroom.lint.notebook import (
    BONUS_TEST,
    DOUBLE,
    DOUBLE_TEST,
    FILE,
    RUN_TEST,
    SETUP,
    TEST,
    TITLE,
    TRAIN,
    WHY,
    WHY_CELL,
    Break,
    field,
    marks,
    text,
)

BROKEN: dict[str, tuple[Break, str, str]] = {
    "no hidden part": (
        text(DOUBLE_TEST, TEST, "assert double(1) == 2"),
        "cell double-test",
        "has points, but no hidden test",
    ),
    "an empty hidden part": (
        text(DOUBLE_TEST, 'from skipgrade.judging import check\ncheck.equal("double(21)")\n', ""),
        "cell double-test",
        "has points, but no hidden test",
    ),
    "a hidden part that asks nothing": (
        text(DOUBLE_TEST, 'check.equal("double(21)")', "assert double(21) == 42"),
        "cell double-test, line 1 of its hidden tests",
        "everybody earns the points",
    ),
    "a hidden part of comments": (
        text(DOUBLE_TEST, 'from skipgrade.judging import check\ncheck.equal("', '# check.equal("'),
        "cell double-test, line 1 of its hidden tests",
        "everybody earns the points",
    ),
    "a check that does not exist": (
        text(DOUBLE_TEST, "check.equal", "check.equals"),
        "cell double-test, line 2 of its hidden tests",
        "there is no check.equals",
    ),
    "an argument a check does not take": (
        text(DOUBLE_TEST, '"double(21)"', '"double(21)", 42'),
        "cell double-test, line 2 of its hidden tests",
        "too many positional arguments",
    ),
    "tiers that rise": (
        text(
            DOUBLE_TEST,
            'check.equal("double(21)")',
            'check.accuracy("double", weights="run", tiers={0.5: 1, 0.6: 0.5})',
        ),
        "cell double-test, line 2 of its hidden tests",
        "a lower accuracy must earn less",
    ),
    "tiers in points": (
        text(
            DOUBLE_TEST,
            'check.equal("double(21)")',
            'check.accuracy("double", weights="run", tiers={0.6: 3, 0.5: 1})',
        ),
        "cell double-test, line 2 of its hidden tests",
        "a share of the cell's points above 0 and up to 1 is meant, not points",
    ),
    "a hidden test of what the judge has not": (
        text(
            DOUBLE_TEST,
            'check.equal("double(21)")',
            'check.that(run == 2, expected="2", got=f"{run}")',
        ),
        "cell double-test, line 2 of its hidden tests",
        "only cells tagged 'needs-training' define run, and the judge skips those",
    ),
    "a hidden test that is no Python": (
        text(DOUBLE_TEST, 'check.equal("double(21)")', 'check.equal("double(21)"'),
        "cell double-test, line 2 of its hidden tests",
        "'(' was never closed",
    ),
    "no end of a solution": (
        text(DOUBLE, "    ### END SOLUTION", ""),
        "cell double, line 2",
        "BEGIN SOLUTION has no end. Put '### END SOLUTION' below",
    ),
    "no beginning of a solution": (
        text(DOUBLE, "    ### BEGIN SOLUTION\n", ""),
        "cell double, line 3",
        "END SOLUTION without a beginning, so students would see",
    ),
    "one in the other": (
        text(DOUBLE, "    return", "    ### BEGIN SOLUTION\n    return"),
        "cell double, line 2",
        "BEGIN SOLUTION has no end before BEGIN SOLUTION",
    ),
    "another end": (
        text(DOUBLE, "END SOLUTION", "END HIDDEN TESTS"),
        "cell double, line 4",
        "END HIDDEN TESTS ends what BEGIN SOLUTION began",
    ),
    "a solution in an ordinary cell": (
        text(SETUP, "ONE = 1", "### BEGIN SOLUTION\nONE = 1\n### END SOLUTION"),
        "cell setup, line 3",
        "BEGIN SOLUTION stands in a cell of another kind. It belongs in a cell that students",
    ),
    "a mark scheme in a text nobody grades": (
        text(TITLE, "# Warm-up", WHY),
        "cell title, line 3",
        "BEGIN MARK SCHEME stands in a cell of another kind. It belongs in a text cell",
    ),
    "BEGIN HIDDEN TEST": (
        text(DOUBLE_TEST, "BEGIN HIDDEN TESTS", "BEGIN HIDDEN TEST"),
        "cell double-test, line 2",
        "'### BEGIN HIDDEN TEST' marks nothing, so students would see what it is to hide. Write "
        "'### BEGIN HIDDEN TESTS'.",
    ),
    "begin solution": (
        text(DOUBLE, "### BEGIN SOLUTION", "# begin solution"),
        "cell double, line 2",
        "Write '### BEGIN SOLUTION'",
    ),
    "END SOLUTON": (
        text(DOUBLE, "END SOLUTION", "END SOLUTON"),
        "cell double, line 4",
        "Write '### END SOLUTION'",
    ),
    "BEGIN_MARK_SCHEME": (
        text(WHY_CELL, "BEGIN MARK SCHEME", "BEGIN_MARK_SCHEME"),
        "cell why, line 3",
        "Write '=== BEGIN MARK SCHEME ==='",
    ),
    "an id twice": (
        field(TRAIN, "id", value="setup"),
        "cell setup",
        "cells 2 and 5 have the same id setup",
    ),
    "no id": (
        field(TRAIN, "id", value=None),
        "cell number 5",
        "cell number 5 has no id, and would get another each time",
    ),
    "an id that is none": (
        field(TRAIN, "id", value="a b"),
        "cell a b",
        "its id 'a b' is not allowed",
    ),
    "a name twice": (
        marks(RUN_TEST, "grade_id", "double-test"),
        "cell double-test",
        "cells 4 and 6 have the same name (grade_id) double-test",
    ),
    "an empty name": (marks(DOUBLE, "grade_id", ""), "cell double", "has no name (grade_id)"),
    "a name with a space": (
        marks(DOUBLE, "grade_id", "the double"),
        "cell the double",
        "nbgrader's metadata are wrong",
    ),
    "points that are none": (
        marks(DOUBLE_TEST, "points", "three"),
        "cell double-test",
        "nbgrader's metadata are wrong: 'three' is not of type 'number'",
    ),
    "points below zero": (
        marks(DOUBLE_TEST, "points", -3),
        "cell double-test",
        "nbgrader's metadata are wrong: -3 is less than the minimum of 0",
    ),
    "no points": (
        marks(DOUBLE_TEST, "points", None),
        "cell double-test",
        "nbgrader cell 'double-test' does not have points",
    ),
    "an answer turned into code": (
        field(WHY_CELL, "cell_type", value="raw"),
        "cell why",
        "is a raw cell, and was a markdown cell",
    ),
    "metadata that are a list": (
        field(DOUBLE, "metadata", "nbgrader", value=[]),
        "cell double",
        "nbgrader's metadata are wrong: they are not a table",
    ),
    "metadata of an old nbgrader": (
        marks(DOUBLE, "schema_version", 2),
        "cell double",
        "nbgrader's metadata are of another version",
    ),
    "points the table does not have": (
        marks(DOUBLE_TEST, "points", 4),
        "cell title",
        "the table promises 5 points, the graded cells give 6",
    ),
    "a sum that is none": (
        text(TITLE, "1 + 2", "1 + 1"),
        "cell title",
        "the rows of the table give 4 points, its sum says 5",
    ),
    "bonus that is none": (
        text(TITLE, "| bonus | 1 |", "| bonus | 2 |"),
        "cell title",
        "the table promises 2 points of bonus, the graded cells give 1",
    ),
    "a table that says no number": (
        text(TITLE, "1 + 2", "some"),
        "cell title",
        "the table of points says 'some', which is not a number",
    ),
    "a tag that means nothing": (
        field(TRAIN, "metadata", "tags", value=["need-training"]),
        "cell train",
        "the tag 'need-training' means nothing here",
    ),
    "a tag of answers on another cell": (
        field(TRAIN, "metadata", "tags", value=["needs-training", "optional"]),
        "cell train",
        "Put it on a code cell that students answer in, and may leave open",
    ),
    "a tag on a text": (
        field(TITLE, "metadata", "tags", value=["needs-training"]),
        "cell title",
        "stands on a cell of another kind. Put it on a code cell that trains, or needs what",
    ),
    "training without its tag": (
        text(SETUP, "ONE = 1", "from skipgrade import lab\nONE = lab.fit(1, 2)"),
        "cell setup, line 4",
        "trains (lab.fit), and the judge skips only cells tagged 'needs-training'. Tag this cell",
    ),
    "a sweep without its tag": (
        text(SETUP, "ONE = 1", "from skipgrade import lab\nONE = lab.sweep(1, {}, 2)"),
        "cell setup, line 4",
        "trains (lab.sweep), and the judge skips only cells tagged 'needs-training'. Tag this cell",
    ),
    "training by a function, without the tag": (
        text(
            SETUP,
            "ONE = 1",
            "from skipgrade import lab\ndef run():\n    return lab.fit(1, 2)\n"
            "def all():\n    return [run() for _ in range(3)]\nONE = all()",
        ),
        "cell setup, line 8",
        "calls run, which trains (lab.fit)",
    ),
    "a name before it is there, by a function": (
        text(SETUP, "ONE = 1", "def early():\n    return double(1)\nONE = early()"),
        "cell setup, line 5",
        "calls early, which uses double, which cell double defines further down",
    ),
    "a name before it is there": (
        text(SETUP, "ONE = 1", "ONE = double(1)"),
        "cell setup, line 3",
        "uses double, which cell double defines further down",
    ),
    "a name that is nowhere": (
        text(DOUBLE, "2 * x", "two * x"),
        "cell double, line 3",
        "no cell defines two",
    ),
    "a name that only training gives": (
        text(BONUS_TEST, "double(1) == 2", "double(1) == run"),
        "cell bonus-test, line 1",
        "uses run, which only cells tagged 'needs-training' define",
    ),
    "a return": (text(SETUP, "ONE = 1", "return"), "cell setup, line 3", "'return' outside"),
    "Python nested too deep": (
        text(SETUP, "ONE = 1", "ONE = " + "-" * 3000 + "1"),
        "cell setup, line 1",
        "not Python (nested too deep)",
    ),
    "half a character": (
        text(SETUP, "ONE = 1", "ONE = '\ud800'"),
        "cell setup, line 1",
        "not Python ('utf-8' codec can't encode",
    ),
    "no Python": (text(SETUP, "ONE = 1", "ONE = "), "cell setup, line 3", "invalid syntax"),
    "a path of a person's": (
        text(SETUP, "ONE = 1", "ONE = open('/home/ada/one')"),
        "cell setup",
        "holds a path of one machine, /home/ada",
    ),
    "a path on Windows": (
        text(SETUP, "ONE = 1", r"ONE = open(r'C:\Users\ada\one')"),
        "cell setup",
        r"holds a path of one machine, C:\Users\ada",
    ),
    "a path in metadata": (
        lambda notebook: notebook["metadata"].update(colab={"path": "/Users/ada/01.ipynb"}),
        FILE,
        "holds a path of one machine, /Users/ada",
    ),
    "a token": (
        text(DOUBLE_TEST, "check.equal", f"'ghp_{'a1' * 18}'; check.equal"),
        "cell double-test",
        "holds a token of GitHub's. Take it out",
    ),
    "a password": (
        text(SETUP, "ONE = 1", "DB_PASSWORD = 'correct-horse'"),
        "cell setup",
        "holds a password or secret",
    ),
    "a private key": (
        text(SETUP, "ONE = 1", "ONE = '''-----BEGIN RSA PRIVATE KEY-----'''"),
        "cell setup",
        "holds a private key",
    ),
    "no list of cells": (lambda notebook: notebook.pop("cells"), FILE, "it has no list of cells"),
    "an old format": (
        lambda notebook: notebook.update(nbformat=3),
        FILE,
        "is in format 3, and 4 is needed",
    ),
    "a cell of no kind": (
        field(TRAIN, "cell_type", value="codes"),
        "cell train",
        "does not have the form of a notebook",
    ),
    "a cell that is none": (
        lambda notebook: notebook["cells"].append("print(1)"),
        "cell number 9",
        "does not have the form of a notebook",
    ),
}
