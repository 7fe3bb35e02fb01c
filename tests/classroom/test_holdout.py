"""Does the private final test keep what it is meant to keep?"""

import hashlib
import stat
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from skipgrade import cli, lab
from skipgrade.classroom import holdout, sample
from skipgrade.classroom.course import Course
from skipgrade.classroom.disguise import PUBLIC
from skipgrade.judging.judge.holdout import LABELS_FILE, HoldoutError, final_test, open_images
from skipgrade.lab import builtin
from skipgrade.lab.pack import FILE, Pack
from tests.classroom.conftest import ASSIGNMENT

Made = tuple[Pack, torch.Tensor]


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKIPGRADE_DATASET", "builtin")


@pytest.fixture(scope="module")
def made() -> Made:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKIPGRADE_DATASET", "builtin")
        return holdout.make("a key")


@pytest.fixture
def needing(course: Course) -> Course:
    """A course whose notebook opens a pack."""
    path = course.folder("source", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(
        nbformat.v4.new_code_cell("from skipgrade import lab\npack = lab.open_pack()", id="open")
    )
    nbformat.write(notebook, path)
    return course


def digests(images: torch.Tensor) -> set[str]:
    return {hashlib.md5(image.numpy().tobytes()).hexdigest() for image in images}


def ordinary_net(pixels: torch.Tensor) -> torch.Tensor:
    """The sample class's LeNet-5, really trained on the ordinary numbers; its answers."""
    weights = load_file(Path(sample.__file__).parent / "trained/correct/lenet5-best.safetensors")
    layers = {key: value.float() for key, value in weights.items()}

    def layer(name: str) -> tuple[torch.Tensor, torch.Tensor]:
        return layers[f"{name}.weight"], layers[f"{name}.bias"]

    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in lab.normalisation("cifar10"))
    maps = (pixels.float() / 255 - mean) / std
    for name in ("features.0", "features.3"):
        maps = F.max_pool2d(F.relu(F.conv2d(maps, *layer(name))), 2)
    maps = maps.flatten(1)
    for name in ("classifier.0", "classifier.2"):
        maps = F.relu(F.linear(maps, *layer(name)))
    return F.linear(maps, *layer("classifier.4")).argmax(1)


def test_a_net_with_ordinary_numbers_is_worse_than_guessing(made: Made) -> None:
    pack, labels = made
    answers = ordinary_net(pack.images)
    numbers = pack.new_numbers()
    assert float((numbers[answers] == labels).float().mean()) > 0.6, "the images are hard to read"
    assert float((answers == labels).float().mean()) < 0.05
    for key in range(200):  # whatever the key: the renumbering alone makes it so
        random = np.random.RandomState(key)
        other = holdout.permutation(random, holdout.TAKEN_FOR_EACH_OTHER["builtin"])
        ordinary = numbers.argsort()[labels]
        assert float((answers == other[ordinary]).float().mean()) < 0.05


def test_the_permutation_is_one_of_many(made: Made) -> None:
    for source, avoided in holdout.TAKEN_FOR_EACH_OTHER.items():
        banned = {*avoided, *((b, a) for a, b in avoided), *((n, n) for n in range(10))}
        seen = set()
        for key in range(300):
            numbers = holdout.permutation(np.random.RandomState(key), avoided).tolist()
            assert sorted(numbers) == list(range(10))
            assert not banned & set(enumerate(numbers))
            seen.add(tuple(numbers))
        assert len(seen) > 250, source


def test_the_pack_holds_no_labels_and_no_known_image(made: Made) -> None:
    pack, labels = made
    known = [lab.raw("cifar10", split)[0] for split in ("train", "test")]
    assert not digests(pack.images) & digests(torch.cat(known))
    assert len(digests(pack.images)) == len(pack.images) == len(labels)
    assert abs(int((labels[1:] == labels[:-1]).sum()) - len(labels) / 10) < 60, "in no order"


def test_official_images_change_their_bytes_and_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the images are public, as CIFAR-10's are: hash and file order find nothing."""
    public, truth = builtin.draw(10, 600, seed=1)
    monkeypatch.setattr(holdout, "_final_images", lambda secret: (public, truth))
    monkeypatch.setattr(holdout, "LIGHT", PUBLIC)
    pack, labels = holdout.make("a key")
    assert not digests(pack.images) & digests(public)
    numbers = pack.new_numbers()
    assert float((numbers[truth] == labels).float().mean()) < 0.2, "in the old order"
    assert labels.bincount().tolist() == [60] * 10


def test_the_same_key_gives_the_same_pack_and_another_key_another(made: Made) -> None:
    pack, labels = holdout.make("a key")
    assert pack.fingerprint == made[0].fingerprint and torch.equal(labels, made[1])
    assert holdout.make("another")[0].fingerprint != pack.fingerprint


def test_keys_alike_in_what_was_once_kept_of_them_give_other_packs() -> None:
    """32 bits of this hash were the whole key; each part has a stream of 128 bits now."""
    keys = ("12187", "61688")
    first, second = (hashlib.sha256(f"pack {key}".encode()).digest()[:4] for key in keys)
    assert first == second
    (pack, labels), (other, answers) = (holdout.make(key) for key in keys)
    assert not digests(pack.images) & digests(other.images)
    ordinary = [one.new_numbers().argsort()[its] for one, its in ((pack, labels), (other, answers))]
    assert float((ordinary[0] == ordinary[1]).float().mean()) < 0.2


def test_build_writes_both_files_and_the_judge_reads_them(
    needing: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["--course", str(needing.root), "holdout", "build"]) == 0
    beside = needing.folder("source", ASSIGNMENT) / FILE
    kept = needing.root / LABELS_FILE
    images, labels = final_test(kept, beside)
    assert len(images) == len(labels) == 2000
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "labels" not in load_file(beside)
    monkeypatch.chdir(beside.parent)
    assert torch.equal(open_images("pack")[1], labels)


def test_files_of_different_builds_are_refused(needing: Course) -> None:
    kept, beside = needing.root / LABELS_FILE, needing.folder("source", ASSIGNMENT) / FILE
    with pytest.raises(HoldoutError, match="holdout build"):
        final_test(kept, beside)
    holdout.build(needing, [], lambda text: None)
    old = kept.read_bytes()
    (needing.root / "holdout.key").write_text("a new key\n")
    holdout.build(needing, [], lambda text: None)
    final_test(kept, beside)
    kept.write_bytes(old)
    with pytest.raises(HoldoutError, match="different builds"):
        final_test(kept, beside)
    kept.unlink()
    with pytest.raises(HoldoutError, match="missing"):
        final_test(kept, beside)


def test_release_says_that_a_pack_is_missing(
    needing: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert holdout.missing(needing, [ASSIGNMENT])
    assert cli.main(["--course", str(needing.root), "release"]) == 0
    assert "skipgrade holdout build" in capsys.readouterr().out
    holdout.build(needing, [], lambda text: None)
    assert cli.main(["--course", str(needing.root), "release"]) == 0
    assert "skipgrade holdout build" not in capsys.readouterr().out
    released = needing.folder("release", ASSIGNMENT)
    assert (released / FILE).is_file()
    assert not list(needing.root.glob(f"release/**/{LABELS_FILE}"))


def test_nothing_to_build_where_nothing_needs_it(course: Course) -> None:
    assert cli.main(["--course", str(course.root), "holdout", "build"]) == 1
    assert not (course.root / LABELS_FILE).exists()
