"""What two submissions have in common: copies are named however disguised, honest work is not."""

import json
from itertools import combinations
from pathlib import Path

import nbformat
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from skipgrade import cli
from skipgrade.classroom.course import Course
from skipgrade.classroom.roster import Roster
from skipgrade.classroom.similar import comparing
from skipgrade.lab.history import History
from tests.classroom.conftest import ASSIGNMENT, submit

Weights = dict[str, Tensor]
ANSWER = (
    "Doubling a number moves every point of the line away from zero, so the distance of two points "
    "grows by the same factor, and only the origin itself stays where it has been all the time."
)
BODY = """(lambda numbers: sum(numbers[:2]))([x, x])
    total, count = 0, 0
    for step in range(count + 2):
        total = total + x if step % 2 == 0 else x + total
        count += 1
    while count > 0 and total != 0:
        count -= 1
    pairs = [(left, right) for left in range(3) for right in range(left)]
    largest = max((left * right for left, right in pairs), default=0)
    return total if largest >= 0 else -total"""


def network(seed: int) -> Weights:
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3),
        nn.BatchNorm2d(16),
        nn.Conv2d(16, 24, 3),
        nn.Flatten(),
        nn.Linear(24, 10),
    )
    return {name: one.clone() for name, one in net.state_dict().items() if one.is_floating_point()}


def reordered(weights: Weights) -> Weights:
    first, second = torch.randperm(16), torch.randperm(24)
    return weights | {
        "0.weight": weights["0.weight"][first],
        "2.weight": weights["2.weight"][second][:, first],
        "4.weight": weights["4.weight"][:, second],
    }


DISGUISES = {
    "none": lambda weights: weights,
    "other names": lambda weights: {f"net.{9 - i}": w for i, w in enumerate(weights.values())},
    "another order": reordered,
    "float16": lambda weights: {name: one.half() for name, one in weights.items()},
    "another scale": lambda weights: weights | {"0.weight": 3 * weights["0.weight"]},
    "a little more training": lambda weights: {
        name: one + 0.02 * one.std() * torch.randn_like(one) if one.ndim > 1 else one
        for name, one in weights.items()
    },
    "a further tensor": lambda weights: {**weights, "unused": torch.zeros(1)},
}


def hand_in(course: Course, student: str, weights: Weights, file: str = "net-best") -> Path:
    folder = submit(course, student).parent
    plain = {name: one.contiguous() for name, one in weights.items()}
    save_file(plain, folder / f"{file}.safetensors")
    return folder


def pairs(course: Course, roster: Roster | None = None) -> dict[tuple[str, str], list[str]]:
    return {pair.students: pair.shared for pair in comparing.compare(course, ASSIGNMENT, roster)}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copy_is_named_however_disguised(released: Course, disguise: str) -> None:
    hand_in(released, "a", network(1))
    hand_in(released, "b", DISGUISES[disguise](network(1)))
    hand_in(released, "c", network(2))
    ((students, shared),) = pairs(released).items()
    assert students == ("a", "b")
    assert "net-best.safetensors" in shared[0]


def test_a_copy_under_another_runs_name_is_named(released: Course) -> None:
    hand_in(released, "a", network(1))
    hand_in(released, "b", network(1), file="other-best")
    assert "net-best.safetensors and other-best.safetensors" in pairs(released)["a", "b"][0]


def test_networks_of_their_own_are_not_named(released: Course) -> None:
    for seed in range(8):
        hand_in(released, f"s{seed}", network(seed))
    assert len(list(combinations(range(8), 2))) == 28 and pairs(released) == {}


def test_two_runs_of_one_recipe_are_said_to_be_possible(released: Course) -> None:
    for student, seconds in (("a", 1.0), ("b", 2.0)):
        weights = {name: one + seconds * 1e-3 for name, one in network(1).items()}
        folder = hand_in(released, student, weights)
        write_history(folder, seconds)
    assert "may be two runs of one recipe" in pairs(released)["a", "b"][0]


def write_history(folder: Path, seconds: float) -> None:
    epoch = {"train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}
    epochs = [
        {"epoch": number, **epoch, "learning_rate": 0.1, "seconds": seconds + number / 1000}
        for number in (1, 2, 3)
    ]
    History("net", epochs, {"optimizer": "SGD"}).write(folder / "net-history.json")


def test_the_times_of_a_run_tell_a_copied_history(released: Course) -> None:
    for student, seconds in (("a", 1.0), ("b", 1.0), ("c", 1.5)):
        write_history(submit(released, student).parent, seconds)
    assert list(pairs(released)) == [("a", "b")]


def write_answer(course: Course, student: str, answer: str, code: str = "2 * x") -> None:
    path = submit(course, student, code)
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    cell = next(
        one for one in notebook.cells if one.metadata.get("nbgrader", {}).get("grade_id") == "why"
    )
    cell.source = answer
    nbformat.write(notebook, path)


def test_an_answer_is_compared_word_by_word(released: Course) -> None:
    write_answer(released, "a", ANSWER)
    write_answer(released, "b", "I think so: " + ANSWER.upper().replace(",", ";"))
    write_answer(released, "c", "Twice as much of everything, whatever it was before I came to it.")
    ((students, shared),) = pairs(released).items()
    assert students == ("a", "b") and "doubling a number moves every point" in shared[0]


def test_code_is_compared_whatever_its_names_are(released: Course) -> None:
    write_answer(released, "a", "", BODY)
    names = {"total": "summe", "count": "n", "step": "i", "largest": "m", "pairs": "p", "left": "u"}
    other = BODY
    for old, new in names.items():
        other = other.replace(old, new)
    write_answer(released, "b", "", "# mine\n    " + other)
    write_answer(released, "c", "", "x + x")
    ((students, shared),) = pairs(released).items()
    assert students == ("a", "b") and shared[0].startswith("code: ")


def test_what_everybody_was_given_and_what_many_write_tells_nothing(released: Course) -> None:
    for number in range(6):
        write_answer(released, f"s{number}", ANSWER, BODY)
    assert pairs(released) == {}


def test_a_group_is_not_compared_in_itself(released: Course, tmp_path: Path) -> None:
    for student in ("a", "b", "c"):
        hand_in(released, student, network(1))
    table = tmp_path / "class.csv"
    table.write_text("id,name,group\na,Ada,1\nb,Ben,1\nc,Cem,2\n")
    assert list(pairs(released, Roster.read(table))) == [("a", "c"), ("b", "c")]


def test_odd_files_stop_nothing(released: Course, tmp_path: Path) -> None:
    hand_in(released, "a", network(1))
    hand_in(released, "b", network(1))
    (submit(released, "c").parent / "net-best.safetensors").write_bytes(b"\xff" * 100)
    submit(released, "d").write_bytes(b'{"cells": [1, {"cell_type": "code", "source": 3}]}')
    nan = {name: torch.full_like(one, torch.nan) for name, one in network(1).items()}
    hand_in(released, "e", nan)
    linked = submit(released, "f").parent / "net-best.safetensors"
    linked.symlink_to(released.root / "submitted" / "a" / ASSIGNMENT / "net-best.safetensors")
    assert list(pairs(released)) == [("a", "b")]


def test_the_command_prints_a_list_and_json(
    released: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in(released, "a", network(1))
    hand_in(released, "b", network(1))
    assert cli.main(["--course", str(released.root), "similar", ASSIGNMENT]) == 0
    told = capsys.readouterr().out
    assert "a and b\n  net-best.safetensors: the same file" in told and "not a verdict" in told
    assert cli.main(["--course", str(released.root), "similar", ASSIGNMENT, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"][0]["students"] == ["a", "b"]
