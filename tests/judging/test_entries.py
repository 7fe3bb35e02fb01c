"""What is read of a table that a notebook fills entry by entry, without running the notebook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from skipgrade.judging.judge.entries import Formulas
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.verdict import NoAnswerError


def area(height: float, width: float = 1) -> float:
    return height * width


def sides(pair: Sequence[float]) -> float:
    return sum(pair)


FORMULAS: Formulas = {"area": area, "sides": sides}


def notebook(folder: Path, *cells: str) -> HandedIn:
    told = [{"cell_type": "code", "source": cell} for cell in cells]
    (folder / "notebook.ipynb").write_text(json.dumps({"cells": told}))
    return HandedIn(folder, "notebook")


def read(folder: Path, *cells: str) -> dict[str, float]:
    return notebook(folder, *cells).entries("t", lambda: pytest.fail("asked"), FORMULAS)


@pytest.mark.parametrize(
    "code",
    [
        "t = {}\nt['a'] = 5 * 5 * 3 + 2\nt['b'] = 2_000",
        "t = {'a': 77, 'b': 2000}",
        "t = dict(a=70 + 7, b=2e3)",
        "t = {}\nt.update({'a': 77})\nt.update(b=2000)",
        "t: dict = {'a': 1}\nt |= {'a': 77, 'b': 2000}",
        "t = {'a': 77}\nt = {**t, 'b': 2000}",
        "t = {'a': 77}\nt = t | dict(b=2000)",
        "t = {'a': 77}\nmore = 3\nt = dict(b=2000, **t)",
        "width = 5\na = width**2 * 3\nt = {'a': a + 2, 'b': 2000}",
        "t = {}\nt['a'] = area(7, width=11)\nt['b'] = area(sides((900, 100)), 2)",
        "t = {'b': 2000}\nt['a'] = t['b'] - 1923",
        "%matplotlib inline",  # a cell of its own that cannot be parsed
    ],
)
def test_however_it_is_written(tmp_path: Path, code: str) -> None:
    cells = ["t = {'a': 77, 'b': 2000}", code] if code.startswith("%") else ["t = {}", code]
    assert read(tmp_path, *cells) == {"a": 77, "b": 2000}


def test_sums_of_what_stands_there(tmp_path: Path) -> None:
    assert read(tmp_path, "t = {'a': 1, 'b': 2}\nt['c'] = sum(t.values())")["c"] == 3
    assert read(tmp_path, "t = {'a': 1}\nt['c'] = sum([t['a'], 4, 5])")["c"] == 10


def test_the_last_word_counts(tmp_path: Path) -> None:
    assert read(tmp_path, "t = {'a': 1, 'b': 2}", "t['a'] = 3") == {"a": 3, "b": 2}
    assert read(tmp_path, "t = {'a': 1}", "t = {}") == {}
    assert read(tmp_path, "t = {'a': 1}", "t['a'] = compute()") == {}
    assert read(tmp_path, "t = {'a': 1}", "t = compute()") == {}


@pytest.mark.parametrize(
    "code",
    [
        "t['a'] = open('file').read()",
        "t['a'] = 9 ** 9 ** 9",
        "t['a'] = area('x', 10 ** 9)",
        "t['a'] = area([1] * 10, 10)",
        "t['a'] = area(10 ** 9, 10 ** 9)",
        "t['a'] = True",
        "t['a'] = 'many'",
        "t[['a']] = 3",
        "t['a'] = t['z']",
        "t['a'] = area()",
        "t['a'] = area(*[3, 4])",
        "t['a'] = area(**{'height': 3})",
        "t['a'] = " + "-" * 3000 + "1",
        "t['a'] = nobody",
        "t = {'a': 3, **nobody}",
        "t = t | 3",
        "t['a'] = t",
        "t.update(3)",
        "t.clear()",
        "t = 7",
        "for t['a'] in range(3): pass",
    ],
)
def test_what_cannot_be_read_is_no_entry(tmp_path: Path, code: str) -> None:
    assert read(tmp_path, "t = {}", code) == {}


def test_outside_grading_the_notebook_itself_is_asked(tmp_path: Path) -> None:
    assert HandedIn(tmp_path).entries("t", lambda: {"a": 1}) == {"a": 1}
    assert HandedIn(tmp_path).entries("t", lambda: 390_410) == {}


ROWS = [{"loss": 2, "accuracy": 0.5}, {"loss": 1.5, "accuracy": 0.6}]


def test_columns_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    assert HandedIn(tmp_path).columns("rows.json", "loss") == {"loss": [2.0, 1.5]}


@pytest.mark.parametrize(
    "rows",
    [
        {"loss": [1]},
        [1, 2],
        [{"loss": "low"}],
        [{"loss": True}],
        [{"loss": float("nan")}],
        [{"loss": float("inf")}],
        [{"loss": 10**400}],
        [{"accuracy": 1}],
        None,
    ],
)
def test_what_is_no_table_of_numbers(tmp_path: Path, rows: Any) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    with pytest.raises(NoAnswerError, match=r"rows\.json"):
        HandedIn(tmp_path).columns("rows.json", "loss")


def test_a_notebook_is_read_again_when_it_is_another_one(tmp_path: Path) -> None:
    handed_in = notebook(tmp_path, "answer = 1\nt = {'a': 77}")
    for _ in range(2):  # reading the table leaves what is written as it is
        assert handed_in.written("answer", lambda: None) == 1
        assert handed_in.entries("t", dict) == {"a": 77}
    notebook(tmp_path, "answer = 20_000")
    assert handed_in.written("answer", lambda: None) == 20_000
