"""Is docs/messages.md what students are told?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.assignments.messages import rows
from tests.assignments.mistakes import BANK

PAGE = (Path(__file__).parents[2] / "docs" / "messages.md").read_text()
SAMPLE = {
    "01": [
        "LeNet5: softmax at the end",
        "LeNet5: a ReLU forgotten",
        "LeNet5: average pooling",
        "LeNet5: a layer that does not fit",
        "LeNet5: a syntax error",
    ],
    "04": ["conv_dw: no last ReLU", "conv_dw: stride in the 1x1", "ResBlock: join after the ReLU"],
}


@pytest.mark.parametrize("number", SAMPLE)
def test_the_page_says_what_students_are_told(
    number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = [one for one in BANK if one.number == number and one.story in SAMPLE[number]]
    assert len(chosen) == len(SAMPLE[number])
    for row in rows(number, chosen):
        assert row in PAGE, f"run `make messages`: {row}"


def test_every_mistake_of_the_bank_is_on_the_page() -> None:
    assert len(BANK) >= 100
    missing = [one.story for one in BANK if f"\n| {one.story} |" not in PAGE]
    assert not missing, "run `make messages`"


def test_the_notebook_itself_shows_a_student_every_mistake() -> None:
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    costly = {row[0].removeprefix("| ") for row in rows if " of " in row[2]}
    shown = {row[0].removeprefix("| ") for row in rows if "*Notebook*" in row[-1]}
    assert not costly - shown
