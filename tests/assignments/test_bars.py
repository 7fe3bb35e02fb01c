"""Does bench/calibrate_builtin.py measure every bar there is?"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from skipgrade.classroom.course import Course

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "bench")
    return importlib.import_module("bars")


@pytest.mark.parametrize("assignment", Course(ROOT).assignments())
def test_every_test_that_asks_for_an_accuracy_is_measured(
    assignment: str, bars: ModuleType
) -> None:
    path = ROOT / "source" / assignment / f"{assignment}.ipynb"
    cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    measured = bars.CELLS[assignment]
    assert set(measured) <= set(cells)
    asking = {
        name
        for name, code in cells.items()
        if "check.accuracy(" in code or "check.predictions(" in code
    }
    assert asking and asking <= set(measured)


def test_room_is_told_in_standard_deviations(bars: ModuleType) -> None:
    """Seeds 0.5, 0.6 and 0.7 over a bar of 0.3: three deviations; guessing 30 below it."""
    runs = [bars.Measured("net", 0.3, reached, 0.1, 30.0) for reached in (0.5, 0.6, 0.7)]
    found = bars.margins(runs)
    assert found["mean"] == pytest.approx(0.6) and found["sd"] == pytest.approx(0.1)
    assert found["margin in sd"] == pytest.approx(3)
    assert found["guessing in sd"] == pytest.approx(0.2 / (0.1 * 0.9 / 2_000) ** 0.5)


def test_a_bar_that_follows_the_run_is_compared_with_its_own_run(bars: ModuleType) -> None:
    runs = [
        bars.Measured("net", asked, reached, 0.1, 30.0)
        for asked, reached in ((0.45, 0.50), (0.55, 0.61), (0.65, 0.72))
    ]
    assert bars.margins(runs)["margin in sd"] == pytest.approx(6)
