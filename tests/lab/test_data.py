"""Are the images the right ones, split and prepared as promised?"""

import pickle
import shutil
import urllib.error
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision.datasets import cifar
from torchvision.transforms import v2

from skipgrade import lab
from skipgrade.lab import data, loaders, official


@pytest.fixture(autouse=True)
def forget_images():
    data._official.cache_clear()
    yield
    data._official.cache_clear()


@pytest.fixture
def offline(monkeypatch):
    """No network: torchvision's download fails as it does when the machine has none."""

    def refuse(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(cifar, "download_and_extract_archive", refuse)


@pytest.fixture
def small_cifar(tmp_path, monkeypatch):
    """Files in the official layout with a few images, whose checksums count as the published."""
    folder = tmp_path / "files" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    source = np.random.RandomState(0)

    def write(name: str, content: dict[str, object]) -> list[str]:
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, datasets.utils.calculate_md5(folder / name)]

    def batch(name: str) -> list[str]:
        pixels = source.randint(0, 256, (20, 3072), dtype=np.uint8)
        return write(name, {"data": pixels, "labels": [i % 10 for i in range(20)]})

    train = [batch(f"data_batch_{number}") for number in range(1, 6)]
    name, md5 = write("batches.meta", {"label_names": [f"class {i}" for i in range(10)]})
    monkeypatch.setattr(datasets.CIFAR10, "train_list", train)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [batch("test_batch")])
    monkeypatch.setattr(
        datasets.CIFAR10, "meta", {"filename": name, "key": "label_names", "md5": md5}
    )
    monkeypatch.delenv("SKIPGRADE_DATASET")
    monkeypatch.setenv("SKIPGRADE_DATA", str(folder.parent))
    return folder


def test_official_files_are_read_as_torchvision_reads_them(small_cifar, offline):
    pixels, labels = lab.raw("cifar10", "train")
    theirs = datasets.CIFAR10(small_cifar.parent, train=True)
    assert pixels.dtype == torch.uint8 and pixels.shape == (100, 3, 32, 32)
    assert np.array_equal(pixels.permute(0, 2, 3, 1).numpy(), theirs.data)
    assert labels.tolist() == theirs.targets
    assert lab.load("cifar10", val=10).classes == theirs.classes


@pytest.mark.parametrize("file", ["data_batch_3", "test_batch", "batches.meta"])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_or_missing_official_file_is_refused_by_name(small_cifar, offline, file, damage):
    path = small_cifar / file
    if damage == "missing":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[-9] ^= 1
        path.write_bytes(content)
    with pytest.raises(lab.LabError, match=file) as caught:
        lab.load("cifar10", val=10)
    assert ("checksum" in str(caught.value)) == (damage == "changed")


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_without_files_and_network_the_error_names_both_ways_out(monkeypatch, offline, name):
    monkeypatch.delenv("SKIPGRADE_DATASET")
    monkeypatch.setenv("SKIPGRADE_DATA", "nowhere")
    with pytest.raises(lab.LabError) as caught:
        lab.load(name)
    message = str(caught.value)
    assert "SKIPGRADE_DATA " in message and "SKIPGRADE_DATASET=builtin" in message
    assert str(Path("nowhere").resolve()) in message


def test_missing_files_are_downloaded_where_there_is_a_network(small_cifar, tmp_path, monkeypatch):
    def download(url, root, **_):
        shutil.copytree(small_cifar, Path(root) / small_cifar.name)

    monkeypatch.setattr(cifar, "download_and_extract_archive", download)
    monkeypatch.setenv("SKIPGRADE_DATA", str(tmp_path / "fresh"))
    assert len(lab.raw("cifar10", "test")[1]) == 20


def test_names_that_do_not_exist_are_refused(monkeypatch):
    with pytest.raises(lab.LabError, match="'mnist'"):
        lab.load("mnist")
    with pytest.raises(lab.LabError, match="'valid'"):
        lab.dataset("cifar10", "valid")
    monkeypatch.setenv("SKIPGRADE_DATASET", "buildin")
    with pytest.raises(lab.LabError, match="'buildin'"):
        lab.load("cifar10")


def rows(pixels: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in pixels}


def test_validation_images_are_held_out_of_training():
    everything = rows(lab.raw("cifar10", "train")[0])
    train = data.take_split("cifar10", "train", val=5000, seed=0)
    val = data.take_split("cifar10", "val", val=5000, seed=0)
    assert len(val.labels) == 1000, "the share of 5,000 in 50,000"
    assert rows(train.pixels) | rows(val.pixels) == everything
    assert not rows(train.pixels) & rows(val.pixels)
    assert rows(data.take_split("cifar10", "val", val=5000, seed=1).pixels) != rows(val.pixels)


def test_dataset_and_load_hold_the_same_images_in_each_split():
    mean, std = lab.normalisation("cifar10")
    to_batch = v2.Compose(
        [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)]
    )
    loaded = lab.load("cifar10")
    for split in ("val", "test"):
        one_by_one = lab.dataset("cifar10", split, transform=to_batch)
        images, labels = next(iter(getattr(loaded, split)))
        theirs = [one_by_one[i] for i in range(len(labels))]
        assert [label for _, label in theirs] == labels.tolist()
        assert torch.allclose(torch.stack([image for image, _ in theirs]), images, atol=1e-5)
    train: Any = loaded.train.dataset
    assert len(lab.dataset("cifar10")) == len(train)
    assert lab.dataset("cifar10").classes == loaded.classes


def test_dataset_gives_pil_images_to_the_students_transform():
    image, label = lab.dataset("cifar10", "test")[0]
    pixels, labels = lab.raw("cifar10", "test")
    assert image.size == (32, 32) and image.mode == "RGB" and isinstance(label, int)
    assert np.array_equal(np.asarray(image), pixels[0].permute(1, 2, 0).numpy())
    assert label == labels[0]
    batch, _ = next(iter(DataLoader(lab.dataset("cifar10", transform=v2.PILToTensor()), 4)))
    assert batch.shape == (4, 3, 32, 32)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_batches_are_normalised_to_zero_mean_and_unit_variance(name):
    loaded = lab.load(name, val=0)
    images = torch.cat([batch for batch, _ in loaded.train])
    assert images.dtype == torch.float32 and loaded.num_classes == len(loaded.classes)
    assert images.mean((0, 2, 3)).abs().max() < 0.01
    assert (images.std((0, 2, 3)) - 1).abs().max() < 0.01


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_published_constants_normalise_the_official_images(name, monkeypatch):
    monkeypatch.delenv("SKIPGRADE_DATASET")
    images = lab.raw(name, "train")[0].float() / 255
    assert torch.allclose(images.mean((0, 2, 3)), torch.tensor(lab.MEAN[name]), atol=1e-3)
    assert torch.allclose(images.std((0, 2, 3)), torch.tensor(lab.STD[name]), atol=1e-3)


def test_augmentation_is_a_crop_of_the_padded_image_mirrored_or_not():
    pixels = lab.raw("cifar10", "test")[0][:40]
    torch.manual_seed(0)
    changed = loaders.crop_and_flip(pixels)
    padded = torch.nn.functional.pad(pixels, (4, 4, 4, 4))
    seen = set()
    for before, after in zip(padded, changed, strict=True):
        candidates = {
            (top, left, flip): crop.flip(2) if flip else crop
            for top in range(9)
            for left in range(9)
            for flip in (False, True)
            for crop in [before[:, top : top + 32, left : left + 32]]
        }
        found = [key for key, crop in candidates.items() if torch.equal(crop, after)]
        assert found, "not a crop of its own image"
        seen.add(found[0])
    assert {flip for _, _, flip in seen} == {False, True}
    assert len({top for top, _, _ in seen}) > 5 and len({left for _, left, _ in seen}) > 5


def test_only_training_batches_are_augmented_and_differ_from_pass_to_pass():
    plain, augmented = lab.load("cifar10"), lab.load("cifar10", augment=True)
    for split in ("val", "test"):
        ours, theirs = (next(iter(getattr(d, split)))[0] for d in (plain, augmented))
        assert torch.equal(ours, theirs)
    images: Any = augmented.train.dataset
    some = images.__getitems__([0, 1, 2])[0]
    again = images.__getitems__([0, 1, 2])[0]
    assert not torch.equal(some, again)
    single, _ = plain.train.dataset[0]
    assert single.shape == (3, 32, 32)


def test_writing_to_raw_arrays_changes_nothing_for_the_others():
    lab.raw("cifar10", "test")[0].zero_()
    assert lab.raw("cifar10", "test")[0].float().mean() > 50


@pytest.fixture
def grading(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.delenv("SKIPGRADE_JUDGE", raising=False)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_while_a_submission_is_graded_validation_images_stand_in_for_the_test_split(
    name, grading, monkeypatch
):
    shown = lab.raw(name, "test")
    loaded, one_by_one = lab.load(name), lab.dataset(name, "test")
    monkeypatch.setenv("SKIPGRADE_JUDGE", "1")
    pixels, labels = lab.raw(name, "test")
    assert shown[0].shape == pixels.shape and shown[1].shape == labels.shape
    assert shown[0].dtype == pixels.dtype and shown[1].dtype == labels.dtype
    assert not rows(shown[0]) & rows(pixels)
    assert rows(shown[0][: len(labels) // 2]) == rows(
        data.take_split(name, "val", val=5000, seed=0).pixels
    )
    assert torch.equal(lab.raw(name, "stand-in")[1], shown[1])
    assert one_by_one.targets == shown[1].tolist() and one_by_one.classes == loaded.classes
    assert torch.equal(torch.cat([some for _, some in loaded.test]), shown[1])


def test_the_stand_in_is_announced_once(grading, capsys):
    data._say_once.cache_clear()
    for _ in range(2):
        lab.load("cifar10")
    assert capsys.readouterr().out.count("stand in for the test images") == 1


@pytest.mark.parametrize("mode", ["validate", ""])
def test_outside_grading_the_test_split_is_itself(mode, monkeypatch):
    ordinary = lab.raw("cifar10", "test")[1]
    monkeypatch.setenv("NBGRADER_EXECUTION", mode)
    assert torch.equal(lab.raw("cifar10", "test")[1], ordinary)


def test_training_images_can_be_read_where_the_test_files_cannot(small_cifar, offline):
    (small_cifar / "test_batch").unlink()
    assert len(lab.raw("cifar10", "train")[1]) == 100
    with pytest.raises(lab.LabError, match="test_batch"):
        lab.raw("cifar10", "test")


def test_a_file_that_may_not_be_read_is_named(small_cifar, offline, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    for module in (official, cifar):
        monkeypatch.setattr(module, "check_integrity", refuse)
    with pytest.raises(lab.LabError, match=r"test_batch \(cannot be read: Permission denied\)"):
        lab.raw("cifar10", "test")
