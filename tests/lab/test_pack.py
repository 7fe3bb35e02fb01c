"""Can a student open the course's pack, and is every way it can be wrong said plainly?"""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from skipgrade import lab
from skipgrade.lab.pack import FILE, Pack, write_pack

NUMBERS = torch.tensor([3, 4, 5, 6, 7, 8, 9, 0, 1, 2])


@pytest.fixture
def pack() -> Pack:
    images = torch.arange(12 * 3072).view(12, 3, 32, 32).remainder(256).to(torch.uint8)
    return Pack("cifar10", "builtin", images, NUMBERS[lab.raw("cifar10", "train")[1]])


def test_what_is_written_is_read(pack: Pack) -> None:
    write_pack(pack, Path(FILE))
    again = lab.open_pack()
    assert torch.equal(again.images, pack.images)
    assert torch.equal(again.train_labels, pack.train_labels)
    assert again.fingerprint == pack.fingerprint
    assert set(load_file(FILE)) == {"images", "train_labels"}


def test_loads_like_any_data_withnew_numbers(pack: Pack) -> None:
    data, ordinary = pack.load(batch_size=50), lab.load("cifar10", batch_size=50)
    (images, labels), (same, old) = next(iter(data.val)), next(iter(ordinary.val))
    assert torch.equal(images, same)
    assert torch.equal(labels, NUMBERS[old])
    ours: Any = data.train.dataset
    theirs: Any = ordinary.train.dataset
    assert len(ours) == len(theirs)
    images, labels = next(iter(data.test))
    assert len(images) == 12 and set(labels.tolist()) == {-100}


def test_a_pack_elsewhere(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pack(pack, Path("else.where"))
    monkeypatch.setenv("SKIPGRADE_PACK", "else.where")
    assert lab.open_pack().fingerprint == pack.fingerprint


def test_no_pack_says_where_to_get_it() -> None:
    with pytest.raises(
        lab.LabError, match=r"missing: the final test images.*next to this notebook"
    ):
        lab.open_pack()


def test_no_pack_but_some_other_file(pack: Pack) -> None:
    Path(FILE).write_bytes(b"not found")
    with pytest.raises(lab.LabError, match="damaged"):
        lab.open_pack()
    save_file({"images": torch.zeros(2)}, FILE)
    with pytest.raises(lab.LabError, match="not a final-test pack"):
        lab.open_pack()


def test_a_pack_of_other_images(pack: Pack) -> None:
    write_pack(Pack("cifar10", "official", pack.images, pack.train_labels), Path(FILE))
    with pytest.raises(lab.LabError, match="made from the official images"):
        lab.open_pack()
    mixed = Pack("cifar10", "builtin", pack.images, pack.train_labels.flip(0))
    with pytest.raises(lab.LabError, match="other training images"):
        mixed.load()


def test_every_bad_row_is_told() -> None:
    Path("p.csv").write_text("id,label\n0,1\n1,cat\n3,2\n3,10\n\n")
    with pytest.raises(lab.LabError) as caught:
        lab.read_predictions("p.csv", rows=4, classes=10)
    told = str(caught.value)
    for part in ("line 3: want two whole", "line 4: want id 2", "line 5: want a label from 0 to 9"):
        assert part in told
    Path("p.csv").write_text("id,label\n" + "x,1\n" * 40)
    with pytest.raises(lab.LabError, match="35 more bad rows"):
        lab.read_predictions("p.csv")
    Path("p.csv").write_text("id,label\n0,1\n")
    with pytest.raises(lab.LabError, match="want 2 rows"):
        lab.read_predictions("p.csv", rows=2)


def test_grading_leaves_the_predictions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    lab.write_predictions("p.csv", lambda: torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    assert lab.read_predictions("p.csv").tolist() == [1, 0]
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    lab.write_predictions("p.csv", lambda: pytest.fail("predict was called"))
    assert lab.read_predictions("p.csv").tolist() == [1, 0]
