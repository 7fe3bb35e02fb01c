"""Can a submission see anything of the test split while it is graded?"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from safetensors.torch import save_file
from torchvision import datasets

from skipgrade import lab
from skipgrade.judging.grader.training_files import TRAINING_FILES, training_files
from tests.judging import tiny
from tests.judging.tiny import ANSWERS, NAME

ATTACKS = (Path(__file__).parent / "reads_labels.py").read_text()
JUDGED = """
import hashlib
from skipgrade import lab
from skipgrade.judging import check, student

held_out, stand_in = (lab.raw("cifar10", split)[1] for split in ("test", "stand-in"))
digest = hashlib.sha256(held_out.numpy().tobytes()).hexdigest()
check.that(digest == "DIGEST", expected="the judge to have the test split", got="another")
theirs = student.eval("lab.raw('cifar10', 'test')[1]")
check.that(bool((theirs == stand_in).all()), expected="the stand-in", got="another", worth=0.5)
"""
LOOKS_UP = """
from skipgrade import lab

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.noise = nn.Linear(1, 1)
        self.digits = torch.randint(2**40, (3072,), generator=torch.Generator().manual_seed(0))
        pixels, labels = lab.raw("cifar10", "test")
        self.known = dict(zip(self.names(pixels), labels.tolist()))
    def names(self, pixels):
        return (pixels.flatten(1).long() * self.digits).sum(1).tolist()
    def forward(self, x):
        mean, std = (torch.tensor(part).view(3, 1, 1) for part in lab.normalisation("cifar10"))
        names = self.names(((x * std + mean) * 255).round())
        found = torch.tensor([self.known.get(name, 0) for name in names])
        return nn.functional.one_hot(found, 10).float() + 0 * self.noise.weight
"""
HELD_OUT = """
from skipgrade.judging import check
check.accuracy("Net()", weights="net", at_least=0.2)
"""


def digest(tensor: torch.Tensor) -> str:
    return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()


def hidden(content: bytes) -> str:
    """Bytes to search for that are not in the memory of whoever searches."""
    return bytes(byte ^ 255 for byte in content).hex()


@dataclass
class Told:
    """What a submission that reads whatever it can has printed, and how it was judged."""

    kind: str
    found: dict[str, Any]
    verdicts: dict[str, dict[str, Any]]
    splits: dict[str, tuple[torch.Tensor, torch.Tensor]]


def environment(kind: str, folder: Path) -> dict[str, str]:
    """The official images, or the drawn ones with files in the official layout beside them."""
    if kind == "official":
        return {"SKIPGRADE_DATASET": "", "SKIPGRADE_DATA": os.environ["SKIPGRADE_DATA"]}
    for part, names in TRAINING_FILES.items():
        (folder / part).mkdir(parents=True)
        for name in [*names, "test_batch", "test"]:
            (folder / part / name).write_text(name)
    (folder / "cifar-10-python.tar.gz").write_text("all of it")
    return {"SKIPGRADE_DATASET": "builtin", "SKIPGRADE_DATA": str(folder)}


def needles(splits: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> dict[str, str]:
    """What memory would hold if a split were there: rows of an image, some labels."""
    training, test = splits["train"], splits["test"]
    return {
        "training image": hidden(training[0][40].numpy().tobytes()[:400]),
        "test image": hidden(test[0][40].numpy().tobytes()[:400]),
        "test photo": hidden(test[0][40].permute(1, 2, 0).contiguous().numpy().tobytes()[:400]),
        "test labels": hidden(test[1][200:264].numpy().tobytes()),
        "test labels as bytes": hidden(bytes(test[1][200:264].tolist())),
    }


@pytest.fixture(
    scope="module", params=["builtin", pytest.param("official", marks=pytest.mark.real_data)]
)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    root = tmp_path_factory.mktemp(request.param)
    extra = environment(request.param, root / "data")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in extra.items():
            patch.setenv(name, value)
        splits = {split: lab.raw("cifar10", split) for split in ("train", "test", "stand-in")}
    course = tiny.make(root / "course", config="c.Execute.timeout = 120\n")
    source = course.root / "source" / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(source, as_version=4)
    tests = {
        "number-test": JUDGED.replace("DIGEST", digest(splits["test"][1])),
        "net-test": HELD_OUT,
    }
    for cell in notebook.cells:
        if text := tests.get(cell.metadata.get("nbgrader", {}).get("grade_id")):
            cell.source = f"assert Net\n### BEGIN HIDDEN TESTS{text}### END HIDDEN TESTS"
    nbformat.write(notebook, source)
    attack = f"{ATTACKS}\ntell({needles(splits)})\nnumber = 42"
    answers = ANSWERS | {"net": LOOKS_UP, "number": attack}
    noise = {"noise.weight": torch.ones(1, 1), "noise.bias": torch.ones(1)}
    save_file(noise, course.hand_in("reads-labels", answers) / "net-best.safetensors")
    done = course.nbgrader("autograde", NAME, extra=extra)
    assert done.returncode == 0, done.stderr[-4000:]
    graded = nbformat.read(
        course.root / "autograded" / "reads-labels" / NAME / f"{NAME}.ipynb", as_version=4
    )
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in graded.cells}
    printed = "".join(output.get("text", "") for output in cells["number"].outputs)
    line = next(line for line in printed.splitlines() if line.startswith("FOUND "))
    found = json.loads(line.removeprefix("FOUND "))
    verdicts = {name: cells[name].metadata["skipgrade"] for name in tests}
    return Told(request.param, found, verdicts, splits)


def test_the_judge_has_the_test_split_and_knows_what_the_submission_got(told: Told) -> None:
    assert told.verdicts["number-test"]["reasons"] == []


def test_weights_of_noise_earn_nothing_by_looking_images_up(told: Told) -> None:
    assert told.verdicts["net-test"]["points"] == 0


def test_the_laboratory_gives_a_stand_in_for_the_test_split(told: Told) -> None:
    pixels, labels = told.splits["stand-in"]
    ordinary = [digest(pixels), digest(labels)]
    assert [told.found[way] for way in ("raw", "dataset", "load", "pickle")] == [ordinary] * 4
    assert told.splits["test"][0].shape == pixels.shape and labels.dtype == torch.int64


def test_training_images_and_labels_are_the_true_ones_inherited_or_read(told: Told) -> None:
    ordinary = [digest(part) for part in told.splits["train"]]
    assert told.found["train"] == told.found["train afresh"] == ordinary


@pytest.mark.parametrize(
    "way", ["without the mark", "as the judge", "afresh as the judge", "torchvision"]
)
def test_pretending_not_to_be_graded_opens_no_file(told: Told, way: str) -> None:
    """The drawn images are public code; there is no file to be kept from anybody."""
    if told.kind == "official":
        assert told.found[way] in ("LabError", "RuntimeError", "PermissionError")


def test_of_the_data_folder_only_the_training_files_open(told: Told) -> None:
    opened = set(told.found["opened"])
    assert opened == {f"{part}/{file}" for part, files in TRAINING_FILES.items() for file in files}
    # Where a kernel has folders of its own, there is nothing else in them; elsewhere none opens.
    names = {Path(place).name for place in (*opened, *TRAINING_FILES)}
    assert {Path(place).name for place in told.found["listed"]} <= names


def test_memory_holds_training_images_and_nothing_of_the_test_split(told: Told) -> None:
    assert told.found["memory"] == ["training image"]
    assert told.found["read"] == 1, "the training split alone"


def test_the_files_shown_are_those_torchvision_trains_on() -> None:
    for kind in (datasets.CIFAR10, datasets.CIFAR100):
        ours = set(TRAINING_FILES[kind.base_folder])
        assert ours == {*(file for file, _ in kind.train_list), kind.meta["filename"]}
        assert not ours & {file for file, _ in kind.test_list}


def test_without_a_data_folder_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKIPGRADE_DATA", raising=False)
    assert training_files() == []
