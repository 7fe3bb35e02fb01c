"""Is this file a notebook? If not, what is wrong with it; and what in it may be odd?"""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from skipgrade.judging.intake import parsing
from skipgrade.judging.intake.parsing import NotANotebookError, parse

CODE: dict[str, Any] = {
    "cell_type": "code",
    "metadata": {},
    "source": [],
    "outputs": [],
    "execution_count": None,
}


def notebook(cells: object, **other: object) -> str:
    whole = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells, **other}
    return json.dumps({name: value for name, value in whole.items() if value is not ...})


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "line 1"),
    "cut off": ('{"nbformat": 4,\n "cells": [', "line 2"),
    "only opened": ("[" * 50_000, "nested too deep"),
    "a list": ("[]", "without the fields"),
    "a number": ("3", "without the fields"),
    "version in words": ('{"nbformat": "4"}', "without the fields"),
    "version is true": ('{"nbformat": true, "cells": []}', "without the fields"),
    "version of tomorrow": ('{"nbformat": 99, "nbformat_minor": 0}', "cannot read"),
    "old, and wrong": ('{"nbformat": 3, "worksheets": 5}', "cannot read"),
    "no cells": (notebook(...), "no list of cells"),
    "cells that are none": (notebook([3]), "cell 1 is not a cell"),
    "strange type": (notebook([CODE, {**CODE, "cell_type": "spam"}]), "cell 2 has no known type"),
    "type is a list": (notebook([{**CODE, "cell_type": []}]), "cell 1 has no known type"),
    "source is a number": (notebook([{**CODE, "source": 5}]), "cell 1 has no source"),
    "source of numbers": (notebook([{**CODE, "source": [5]}]), "cell 1 has no source"),
    "no text at all": (b"\xff\xfe\x00", "line 1"),
    "nothing but zeros": (bytes(5000), "line 1"),
    "deep outputs": (notebook([{**CODE, "outputs": "X"}]).replace('"X"', deep(3000)), "too deep"),
    "a number without end": ('{"nbformat": ' + "4" * 5000 + "}", "thousands of digits"),
    "lists without end": ('{"nbformat": 4, "x": [' + "[]," * 2_000_000, "2,000,000 lists"),
    "cells without end": (notebook([CODE] * 2001), "2,001 cells"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_not_a_notebook(name: str) -> None:
    text, problem = REFUSED[name]
    with pytest.raises(NotANotebookError, match=problem):
        parse(text)


def test_a_file_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "LARGEST", 1000)
    with pytest.raises(NotANotebookError, match="larger than"):
        parse(notebook([{**CODE, "source": "#" * 1000}]))


def test_a_notebook() -> None:
    assert len(parse(notebook([CODE, {**CODE, "source": ["a = 1\n", "b = 2"]}])).cells) == 2


ODD_CELLS: list[dict[str, Any]] = [
    {**CODE, "metadata": ...},
    {**CODE, "outputs": ..., "execution_count": ...},
    {**CODE, "outputs": [{"output_type": "spam", "data": {"image/png": 5}}, 7]},
    {**CODE, "outputs": {"text": [None]}, "execution_count": "nonsense"},
    {**CODE, "execution_count": 10**30},
    {**CODE, "id": "twice"},
    {**CODE, "id": "twice"},
    {**CODE, "id": ["no", "text"]},
    {**CODE, "metadata": {"tags": 5, "collapsed": "very", "name": 3, "jupyter": []}},
    {**CODE, "metadata": {"tags": ["skip-execution"], "nbgrader": 5}},
    {**CODE, "metadata": {"nbgrader": {"grade_id": ["no", "text"], "points": {}}}},
    {**CODE, "metadata": 5},
    {**CODE, "attachments": {"a": 5}, "spam": "eggs"},
    {**CODE, "cell_type": "markdown", "attachments": 5},
    {**CODE, "cell_type": "raw", "metadata": {"format": 5}},
]


@pytest.mark.parametrize("number", range(len(ODD_CELLS)))
def test_odd_cells_are_made_sound(number: int) -> None:
    odd = {name: value for name, value in ODD_CELLS[number].items() if value is not ...}
    sound = parse(notebook([odd | {"source": "kept"}]))
    nbformat.validate(sound)
    assert sound.cells[0].source == "kept"


@pytest.mark.parametrize(
    "fields",
    [
        {"nbformat_minor": ...},
        {"nbformat_minor": "none"},
        {"nbformat_minor": 99},
        {"metadata": ...},
        {"metadata": {"kernelspec": 5, "language_info": {}, "title": [], "authors": 1}},
        {"metadata": {"kernelspec": {"name": ["bash"]}, "orig_nbformat": "x"}},
        {"spam": "eggs"},
    ],
    ids=str,
)
def test_odd_notebooks_are_made_sound(fields: dict[str, object]) -> None:
    nbformat.validate(parse(notebook([CODE], **fields)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_editors_may_save_in_another_encoding(encoding: str) -> None:
    sound = parse(notebook([{**CODE, "source": "größer"}]).encode(encoding))
    assert sound.cells[0].source == "größer"


def test_what_no_file_can_hold_is_replaced() -> None:
    sound = parse('{"nbformat": 4, "cells": [{"cell_type": "raw", "source": "a \\ud800 b"}]}')
    assert sound.cells[0].source == "a ? b"


def test_marks_and_pictures_are_kept() -> None:
    marks = {"grade_id": "why", "points": 2.5, "grade": True, "checksum": None}
    picture = {"a.png": {"image/png": "iVBO"}, "b": {"x": {}}}
    cell = {**CODE, "cell_type": "markdown", "metadata": {"nbgrader": marks | {"x": [1]}}}
    (sound,) = parse(notebook([{**cell, "attachments": picture}])).cells
    assert sound.metadata == {"nbgrader": marks}
    assert sound.attachments == {"a.png": {"image/png": "iVBO"}}


def test_notebooks_of_an_older_version_are_brought_up() -> None:
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell("a = 1")])]
    )
    assert parse(nbformat.v3.writes_json(old)).cells[0].source == "a = 1"


def test_many_keys_and_long_lines_take_no_time() -> None:
    keys = {f"key {number}": number for number in range(20_000)}
    cells = [{**CODE, "metadata": keys, "source": "#" * 10_000_000}]
    assert len(parse(notebook(cells, metadata=keys)).cells[0].source) == 10_000_000
