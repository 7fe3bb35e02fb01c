"""check.equal, shapes, parameters, that, worth: what each passes and what it fails."""

from __future__ import annotations

import pytest

from skipgrade.judging.verdict import HiddenTestError
from tests.judging.trial import judge

ANYTHING = """
class Anything:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __bool__(self): return True
    def __float__(self): return 1.0
    def __iter__(self): return iter([1])
value = Anything()
"""


@pytest.mark.parametrize(
    ("solution", "student"),
    [
        ("value = 3", "value = 3"),
        ("value = 3", "value = 3.0000000001"),
        ("value = 3", "value = torch.tensor(3)"),
        ("value = (1, 2)", "value = [1, 2]"),
        ("value = {'a': [1.0, None]}", "value = {'a': (1, None)}"),
        ("value = torch.eye(2)", "import numpy as np\nvalue = np.eye(2)"),
        ("value = torch.Size([1, 2])", "value = (1, 2)"),
        ("value = float('nan')", "value = float('nan')"),
        ("value = float('inf')", "value = float('inf')"),
        ("value = 0.1", "import numpy as np\nvalue = np.float64(0.1)"),
    ],
)
def test_equal_passes(solution: str, student: str) -> None:
    verdict = judge("check.equal('value')", student, solution)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize(
    ("solution", "student"),
    [
        ("value = True", "value = 1"),
        ("value = 1", "value = True"),
        ("value = False", "value = None"),
        ("value = 3", "value = '3'"),
        ("value = 3", "value = 3.01"),
        ("value = 3", "value = float('nan')"),
        ("value = 1e9", "value = float('inf')"),
        ("value = [1, 2]", "value = [1, 2, 3]"),
        ("value = {'a': 1}", "value = {'a': 1, 'b': 2}"),
        ("value = {'a': 1}", "value = {}"),
        ("value = torch.eye(2)", "value = torch.eye(3)"),
        ("value = torch.eye(2)", "value = torch.full((2, 2), float('nan'))"),
        ("value = torch.eye(2)", "value = 1"),
        ("value = 3", ANYTHING),
        ("value = [1]", ANYTHING),
        ("value = 3", "class Three(int): pass\nvalue = Three(3)"),
        ("value = 3", "value = []\nvalue.append(value)"),
        ("value = 3", "pass"),
        ("value = 3", "import sys\ndef __getattr__(n): sys.exit()\nvalue = sys"),
    ],
)
def test_equal_fails(solution: str, student: str) -> None:
    verdict = judge("check.equal('value')", student, solution)
    assert verdict.share == 0.0
    assert verdict.internal_error == "", "the check itself must cope"


@pytest.mark.parametrize("known", ["True", "False", "[1]", "0"])
def test_equal_to_what_is_known_beforehand_asks_no_solution(known: str) -> None:
    other = {"True": "False", "False": "True"}.get(known, "2")
    hidden = f"check.equal('value', to={known})"
    assert judge(hidden, f"value = {known}", "").share == 1.0
    assert judge(hidden, f"value = {other}", "").share == 0.0


def test_equal_sends_arrays_but_never_shows_them() -> None:
    hidden = "import torch\ncheck.equal('f(secret)', secret=torch.tensor([2.0, 3.0]))"
    double, triple = "f = lambda x: 2 * x", "f = lambda x: 3 * x"
    assert judge(hidden, double, double).share == 1.0
    failed = judge(hidden, triple, double)
    assert failed.share == 0.0
    assert "secret" not in failed.reasons[0] and "f(" not in failed.reasons[0]


def test_equal_does_not_show_the_right_value() -> None:
    assert "1234" not in judge("check.equal('value')", "value = 5", "value = 1234").reasons[0]


def test_arrays_leave_nothing_behind_in_the_notebook() -> None:
    hidden = "check.equal('x', x=images(1))\ncheck.equal('\"x\" in globals()')"
    assert judge(hidden, "", "").share == 1.0


@pytest.mark.parametrize(
    ("student", "share"), [("nn.Conv2d(3, 4, 3)", 1.0), ("nn.Conv2d(3, 4, 3, padding=1)", 0.0)]
)
def test_shapes(student: str, share: float) -> None:
    for form in ("net", "lambda x: [net(x).mean((1, 2)), {'again': net(x)}]"):
        hidden = f"check.shapes({form!r}, x=images(2, size=8))"
        verdict = judge(hidden, f"net = {student}", "net = nn.Conv2d(3, 4, 3)")
    assert verdict.share == share


@pytest.mark.parametrize(
    ("student", "share"),
    [
        ("net = nn.Linear(4, 5)", 1.0),
        ("net = nn.Sequential(nn.Linear(4, 1), nn.Linear(1, 10))", 1.0),
        ("net = nn.Linear(4, 5); net.idle = nn.Linear(2, 2)", 0.0),
        ("net = nn.Linear(4, 4); net.idle = nn.Linear(4, 1)", 0.0),
        ("net = nn.Linear(4, 5, bias=False)", 0.0),
        ("net = nn.Linear(4, 5).requires_grad_(False)", 0.0),
        ("net = 25", 0.0),
    ],
)
def test_parameters_counts_what_is_trained(student: str, share: float) -> None:
    verdict = judge(
        "check.parameters('net', x=torch.zeros(2, 4))", student, "net = nn.Linear(4, 5)"
    )
    assert verdict.share == share
    assert share or "25 trainable parameters" in verdict.reasons[0]


def test_worth_costs_its_share_and_the_other_checks_still_count() -> None:
    hidden = "check.equal('a', worth=0.25)\ncheck.equal('b', worth=0.75)"
    solution = "a, b = 1, 2"
    assert judge(hidden, "a, b = 1, 2", solution).share == 1.0
    assert judge(hidden, "a, b = 0, 2", solution).share == 0.75
    assert judge(hidden, "a, b = 1, 0", solution).share == 0.25
    nothing = judge(hidden, "", solution)
    assert nothing.share == 0.0 and len(nothing.reasons) == 2


def test_a_check_without_worth_costs_the_cell() -> None:
    hidden = "check.equal('a', worth=0.25)\ncheck.equal('b')"
    assert judge(hidden, "a, b = 1, 0", "a, b = 1, 2").share == 0.0


def test_that_and_eval() -> None:
    hidden = """
        rate = student.eval("rate")
        check.that(0 < rate < 1, expected="a rate between 0 and 1", got=f"{rate}", hint="the sign")
        check.that(rate == solution.eval("rate"), expected="the same", got="another", worth=0.5)
    """
    assert judge(hidden, "rate = 0.5", "rate = 0.5").share == 1.0
    assert judge(hidden, "rate = 0.4", "rate = 0.5").share == 0.5
    bad = judge(hidden, "rate = -1", "rate = 0.5")
    assert bad.share == 0.0
    assert bad.reasons == ["Expected: a rate between 0 and 1\nGot: -1\nHint: the sign"]
    missing = judge(hidden, "", "rate = 0.5")
    assert missing.share == 0.0 and "NameError" in missing.reasons[0]


def test_plain_assert_in_a_hidden_test() -> None:
    hidden = "assert student.eval('a') > 3, 'a is more than 3'"
    assert judge(hidden, "a = 4", "").share == 1.0
    assert judge(hidden, "a = 2", "").reasons == ["a is more than 3"]


def test_a_hidden_test_that_trips_over_an_answer_gives_zero_and_tells_the_instructor() -> None:
    verdict = judge("assert student.eval('a') > 3", "a = 'text'", "")
    assert verdict.share == 0.0
    assert "TypeError" in verdict.internal_error
    assert "TypeError" in verdict.reasons[0] and "Traceback" not in verdict.reasons[0]


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ("check.functon('f', x=images(1))", "there is no check.functon"),
        ("check.equal()", "check.equal: missing a required argument"),
        ("check.equal('a', wurth=1, worth=2, hint=3, tolerance=4, b=5)\nstudnet", "studnet"),
        ("check.parameters('MPL()')", "the solution's MPL() is not a network: NameError"),
        ("check.equal('missing')", "NameError"),
        ("solution.eval('1 / 0')", "ZeroDivisionError"),
        ("check.accuracy('Net()', weights='net', tiers={0.63: 3, 0.6: 2})", "tier 0.63 earns 3"),
        ("student.eval('a') + 'text'", "TypeError"),
        ("import no_such_module", "no_such_module"),
        ("check.equal('a'", "never closed"),
    ],
)
def test_a_hidden_test_that_is_wrong_costs_nobody_a_point(hidden: str, told: str) -> None:
    with pytest.raises(HiddenTestError) as caught:
        judge(hidden, "a = 1", "a = 1")
    assert told in str(caught.value) and "cell a-test, line" in str(caught.value)
