"""Single mistakes, as students make them: which cell of which notebook says what instead.

Each changes one thing in the solution. The bank serves two ends: `test_one_loss.py` counts what a
mistake costs in which cell, `messages.py` writes down what a student is told of it.
"""

from tests.assignments.mistakes import in_01, in_02, in_03, in_04, in_05, in_06, in_07, in_08
from tests.assignments.mistakes.mistake import NAMES, Mistake

__all__ = ["BANK", "IDLE", "NAMES", "Mistake"]

BANK = [
    mistake
    for notebook in (in_01, in_02, in_03, in_04, in_05, in_06, in_07, in_08)
    for mistake in notebook.BANK
]
# Cells that take time and decide nothing here.
IDLE = {"04": ("blocks-figure", "gradient-figure", "share-figure", "complexity")}
