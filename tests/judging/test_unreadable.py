"""Is this file a notebook? And if not, what is wrong with it?"""

from __future__ import annotations

import json

import pytest

from skipgrade.judging.unreadable import NotANotebook, parse

CODE = {"cell_type": "code", "metadata": {}, "source": [], "outputs": [], "execution_count": None}


def notebook(cells: object) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1"),
        ('{"nbformat": 4,\n "cells": [', "line 2"),
        ("[" * 50_000, "nesting|line"),
        ("[]", "without the fields"),
        ("3", "without the fields"),
        ('{"nbformat": "4"}', "without the fields"),
        ('{"nbformat": 99, "nbformat_minor": 0}', "cannot read"),
        (notebook([3]), "cell 1|cannot read"),
        (notebook([CODE, {**CODE, "cell_type": "spam"}]), "cell 2 has no known type"),
        (notebook([{**CODE, "source": 5}]), "cell 1 has no source|cannot read"),
        (
            notebook([{k: v for k, v in CODE.items() if k != "metadata"}]),
            "cell 1 has no metadata|cannot read",
        ),
        (
            notebook([{k: v for k, v in CODE.items() if k != "outputs"}]),
            "cell 1 has no outputs|cannot read",
        ),
        (b"\xff\xfe\x00", "line 1"),
    ],
)
def test_not_a_notebook(text: str | bytes, problem: str) -> None:
    with pytest.raises(NotANotebook, match=problem):
        parse(text)


def test_a_notebook() -> None:
    assert len(parse(notebook([CODE, {**CODE, "source": ["a = 1\n", "b = 2"]}])).cells) == 2
