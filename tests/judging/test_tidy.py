"""Which names of files are put right, and where is nothing guessed?"""

from pathlib import Path

import pytest

from skipgrade.judging.intake.tidy import Wanted, tidy

ASKED = Wanted(frozenset({"01-lenet.ipynb"}), frozenset({"plain-best.safetensors", "table.csv"}))


def read(*found: str, asked: Wanted = ASKED) -> dict[str, str]:
    """What is read under another name or from another place: that name, and where it lay."""
    origins = tidy([Path(name) for name in found], asked).origins
    return {str(path): str(origin) for path, origin in origins.items() if path != origin}


def test_what_is_well_named_stays() -> None:
    assert read("01-lenet.ipynb", "plain-best.safetensors", "table.csv", "notes/own.txt") == {}


@pytest.mark.parametrize(
    "name",
    [
        "01-lenet (1).ipynb", "01-lenet(3).ipynb", "01-LeNet.ipynb", "01-lenet - Copy.ipynb",
        "01-lenet - Copy (2).ipynb", "01-lenet_copy.ipynb", "Copy of 01-lenet.ipynb",
        "copy of Copy of 01-lenet (1).ipynb", "01-lenet-Copy1.ipynb", "01-lenet.ipynb.txt",
        "another name.ipynb", "deep/er/01-lenet.ipynb", "hand-in/01-lenet (1).ipynb",
    ],
)  # fmt: skip
def test_the_notebook_is_found(name: str) -> None:
    assert read(name) == {"01-lenet.ipynb": name}


def test_everything_in_one_folder_moves_with_its_notebook() -> None:
    found = read("a b/01-lenet.ipynb", "a b/table.csv", "a b/own/x.txt", "plain-best.safetensors")
    assert found == {
        "01-lenet.ipynb": "a b/01-lenet.ipynb",
        "table.csv": "a b/table.csv",
        "own/x.txt": "a b/own/x.txt",
    }


def test_of_several_downloads_the_last_counts() -> None:
    assert read("01-lenet.ipynb", "table (1).csv", "table (3).csv", "table (2).csv") == {
        "table.csv": "table (3).csv"
    }


@pytest.mark.parametrize(
    "found",
    [
        ("01-lenet.ipynb", "table.csv", "table (1).csv"),  # the one without a number is there
        ("one.ipynb", "two.ipynb"),
        ("a/01-lenet.ipynb", "b/01-lenet.ipynb"),
        ("01-lenet.ipynb", "a/table.csv", "b/table.csv"),
        ("01-lenet.ipynb", "other.csv", "out/01-lenet.ipynb"),
    ],
)
def test_nothing_is_guessed(found: tuple[str, ...]) -> None:
    assert read(*found) == {}


def test_of_two_notebooks_the_one_asked_for() -> None:
    assert read("01-lenet (1).ipynb", "scratch.ipynb") == {"01-lenet.ipynb": "01-lenet (1).ipynb"}


def test_two_notebooks_are_never_taken_for_each_other() -> None:
    asked = Wanted(frozenset({"a.ipynb", "b.ipynb"}), frozenset())
    assert read("c.ipynb", asked=asked) == {}
    assert read("A (1).ipynb", "b.ipynb", asked=asked) == {"a.ipynb": "A (1).ipynb"}


def test_rubbish_is_left_out_and_every_change_is_told() -> None:
    found = [Path(p) for p in ("__MACOSX/._01-lenet.ipynb", "x/01-lenet.ipynb", "x/Table.csv")]
    tidied = tidy(found, ASKED)
    assert set(tidied.origins) == {Path("01-lenet.ipynb"), Path("table.csv")}
    assert tidied.told == [
        "the notebook lay in the folder x, and is read from there",
        "Table.csv is read as table.csv",
    ]
