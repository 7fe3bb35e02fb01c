"""Does each operator change one thing in the solution, and is it another program then?"""

import pytest

from skipgrade.classroom.prove.cells import same_code
from skipgrade.classroom.prove.mutants import OPERATORS, mutants
from tests.classroom.prove.snippets import NET, WORK, solution

AROUND = "def f(x, y=0, z=0):\n    ### BEGIN SOLUTION\n    {}\n    ### END SOLUTION\n"


def changed(line: str, how: str) -> set[str]:
    """The lines that the mutants of one kind have in the place of `line`."""
    cell = solution(AROUND.format(line.replace("\n", "\n    ")))
    found = [one for one in mutants(cell) if one.how == how]
    return {"\n".join(new[5:] for new in one.diff if new[0] == "+") for one in found}


@pytest.mark.parametrize(
    ("line", "how", "made"),
    [
        ("return g(3)", "constant", {"return g(4)", "return g(2)"}),
        ("return g(0.5)", "constant", {"return g(1.0)", "return g(0.25)"}),
        ("return g(True)", "constant", {"return g(False)"}),
        ("return x['a'] + x['b']", "key", {"return x['b'] + x['b']", "return x['a'] + x['a']"}),
        (
            "return x + y",
            "operator",
            {"return x - y", "return x * y", "return x", "return y"},
        ),
        ("return x < y", "operator", {"return x <= y", "return x > y"}),
        ("return not x", "operator", {"return x"}),
        (
            "return x if y else z",
            "branch",
            {"return z if y else x", "return x", "return z"},
        ),
        ("return nn.ReLU()", "layer", {"return nn.Sigmoid()", "return nn.Identity()"}),
        ("return x.norm(y).mean()", "layer", {"return x.norm(y).sum()"}),
        (
            "return g(h(x)).item()",
            "call",
            {"return g(h(x))", "return h(x).item()", "return g(x).item()"},
        ),
        (
            "return g(x, a=1, b=2)",
            "argument",
            {"return g(a=1, b=2)", "return g(x, b=2)", "return g(x, a=1)"},
        ),
        ("return [x, y]", "element", {"return [y]", "return [x]", "return [y, x]"}),
        ("return x / y", "name", {"return y / y", "return x / z"}),
        ("x.step()\nreturn x", "line", {"pass", "return"}),
    ],
)
def test_an_operator_changes_one_thing(line: str, how: str, made: set[str]) -> None:
    assert changed(line, how) == made


def test_what_takes_a_changed_name_is_changed_too() -> None:
    """Or nobody would ask the test of what stands a line below."""
    cell = solution(
        "### BEGIN SOLUTION\na = 3\nb = a + 1\ndef c():\n    return b\nd = 0\n### END SOLUTION"
    )
    gives = [one.gives for one in mutants(cell) if "+pass" in one.diff and "-a = 3" in one.diff]
    assert gives == [{"a", "b", "c"}]


def test_two_lines_change_places() -> None:
    cell = solution(AROUND.format("x.a()\n    x.b()\n    return x"))
    orders = [one.code.splitlines()[1:] for one in mutants(cell) if one.how == "order"]
    assert ["    x.b()", "    x.a()", "    return x"] in orders


@pytest.mark.parametrize(
    "line",
    [
        "print(x, 3)",
        "axes.set(title='3 of them', xlabel='epoch')",
        "raise ValueError(f'{x + 1} is too much')",
    ],
)
def test_what_only_shows_is_left_alone(line: str) -> None:
    cell = solution(AROUND.format(line))
    assert {one.how for one in mutants(cell)} <= {"line"}


def test_every_operator_finds_something_here() -> None:
    found = {one.how for code in (NET, WORK) for one in mutants(solution(code))}
    assert set(OPERATORS) - {"key"} < found


def test_nothing_outside_the_solution_is_changed() -> None:
    code = "a = 1\n### BEGIN SOLUTION\nb = 2\n### END SOLUTION\nc = 3\n"
    found = list(mutants(solution(code)))
    assert found
    assert all("a = 1" in one.code and "c = 3" in one.code for one in found)


def test_no_mutant_is_the_solution_again_or_another_one() -> None:
    cell = solution(WORK)
    codes = [one.code for one in mutants(cell)]
    assert len(codes) == len(set(codes)) > 60
    assert not any(same_code(code, cell.code) for code in codes)


def test_what_compiles_to_the_same_is_the_same() -> None:
    assert same_code("x = 2 * 3", "x = 6  # a note")
    assert not same_code("x = 2 * 3", "x = 7")
    assert not same_code("x = 1", "x = True")


def test_an_argument_that_says_the_default_is_not_left_out() -> None:
    cell = solution(AROUND.format("return round(x, ndigits=None), round(x, ndigits=3)"))
    found = [one for one in mutants(cell, {"round": round}) if one.how == "argument"]
    assert any("round(x, ndigits=None), round(x))" in one.code for one in found)
    assert not any("(round(x), round(x, ndigits=3))" in one.code for one in found)


def test_lines_that_have_nothing_to_do_with_each_other_stay_in_place() -> None:
    cell = solution(AROUND.format("a = x\n    b = y\n    c = a\n    return c"))
    orders = [one.diff for one in mutants(cell) if one.how == "order"]
    assert len(orders) == 1 or not any("a = x" in " ".join(diff) for diff in orders)
