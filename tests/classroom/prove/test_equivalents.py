"""Does every equivalent do what the solution does?"""

import contextlib
import io
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch

from skipgrade.classroom.prove.cells import Variant
from skipgrade.classroom.prove.equivalents import RULES, combined, equivalents
from skipgrade.classroom.prove.rewrites import REWRITES
from tests.classroom.prove.snippets import FIRST, FLIP, NET, SETUP, WORK, solution


def namespace(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(f"{SETUP}\n{code}", names)
    return names


def net(names: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    images = torch.randn(2, 3, 32, 32)
    made = names["Net"]()
    with torch.no_grad():
        for weight in made.parameters():
            weight.copy_(torch.linspace(-1, 1, weight.numel()).view_as(weight))
    return made(images).sum(1).tolist()


def work(names: dict[str, Any]) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return [names["work"]([1, 2, 5, 7], True), names["work"]([3, 6, 9], False)]


def first(names: dict[str, Any]) -> Any:
    return names["chosen"], type(names["chosen"])


def flip(names: dict[str, Any]) -> Any:
    images = torch.arange(24.0).view(2, 3, 4)
    return torch.stack(names["mirrored"](images)).flatten().tolist()


CASES = [(NET, net), (WORK, work), (FIRST, first), (FLIP, flip)]


def found(code: str) -> list[Variant]:
    return list(equivalents(solution(code), namespace(code)))


@pytest.mark.parametrize(("code", "does"), CASES)
def test_every_equivalent_does_the_same(code: str, does: Callable[[dict[str, Any]], Any]) -> None:
    due = does(namespace(code))
    for one in found(code):
        assert does(namespace(one.code)) == pytest.approx(due, rel=1e-4), "\n".join(one.diff)


@pytest.mark.parametrize(("code", "does"), CASES[:2])
def test_two_rules_together_do_the_same(code: str, does: Callable[[dict[str, Any]], Any]) -> None:
    cell, names, due = solution(code), namespace(code), does(namespace(code))
    single = list(equivalents(cell, names))
    more = combined([cell], single, names, 30, random.Random(0))
    assert len({one.code for one in more} - {one.code for one in single}) > 20
    for one in more:
        assert does(namespace(one.code)) == pytest.approx(due, rel=1e-4), "\n".join(one.diff)


def test_every_rule_finds_something_here() -> None:
    hows = {one.how for code, _ in CASES for one in found(code)}
    whole = {"name", "attribute", "helper", "order"}
    assert hows == {*RULES, *REWRITES, *whole}


def test_each_is_another_text_and_python() -> None:
    for code, _ in CASES:
        codes = [one.code for one in found(code)]
        assert len(codes) == len(set(codes))
        assert solution(code).code not in codes


def test_an_attribute_that_another_cell_names_keeps_its_name() -> None:
    cell = solution(NET)
    free = {
        line
        for one in equivalents(cell, namespace(NET))
        if one.how == "attribute"
        for line in one.diff
    }
    assert any("self.my_head" in line for line in free)
    named = type(cell)(cell.id, NET, False, elsewhere="net.head.weight")
    kept = {
        line
        for one in equivalents(named, namespace(NET))
        if one.how == "attribute"
        for line in one.diff
    }
    assert kept and not any("self.my_head" in line for line in kept)
