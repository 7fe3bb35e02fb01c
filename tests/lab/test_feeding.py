"""Are batches made where the computing happens the ones the loader would have given?"""

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from skipgrade import lab
from skipgrade.lab import data
from skipgrade.lab.feeding import batches, is_plain, made_on
from skipgrade.lab.loaders import Data, make_loaders

HERE = torch.device("cpu")
COUNT, SIZE = 103, 16


def photos(*, augment: bool) -> Data:
    pixels = torch.zeros(COUNT, 3, 32, 32, dtype=torch.uint8)
    pixels[:, 0] = torch.arange(COUNT, dtype=torch.uint8).view(-1, 1, 1)  # each tells its number
    pixels[:, 1, 8:24, 4:10] = 200  # left of the middle
    images = data.Images(pixels, torch.arange(COUNT), ["one"])
    splits = dict.fromkeys(("train", "val", "test"), images)
    return make_loaders("cifar10", splits, batch_size=SIZE, augment=augment, seed=0)


def test_images_come_in_the_loaders_order_and_with_its_numbers():
    loader = photos(augment=False).val
    for mine, its in zip(made_on(HERE, loader), loader, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(mine, its, strict=True))


@pytest.mark.parametrize("drop_last", [False, True])
def test_training_images_come_once_each_in_batches_of_the_right_size(drop_last, monkeypatch):
    monkeypatch.setattr("skipgrade.lab.feeding.IMAGES_AT_ONCE", 40)
    train = photos(augment=False).train
    loader = DataLoader(
        train.dataset, SIZE, shuffle=True, drop_last=drop_last, collate_fn=train.collate_fn
    )
    labels = [labels for _, labels in made_on(HERE, loader)]
    assert [len(some) for some in labels] == [len(some) for _, some in loader]
    once = torch.cat(labels)
    assert len(once.unique()) == len(once) and not torch.equal(once, once.sort().values)
    again = torch.cat([some for _, some in made_on(HERE, loader)])
    assert not torch.equal(once, again), "another order each time"


def test_each_image_keeps_its_label_and_gets_a_draw_of_its_own():
    """Shifts from -4 to 4 each way, half of the images mirrored, as the loader does it."""

    def drawn(source) -> torch.Tensor:
        found = []
        for images, labels in source:
            mean, std = (torch.tensor(part).view(3, 1, 1) for part in lab.normalisation("cifar10"))
            pixels = ((images * std + mean) * 255).round()
            assert torch.equal(pixels[:, 0].amax((1, 2)), labels.float())
            bright = pixels[:, 1] > 100
            rows = bright.any(2).float().argmax(1) - 8
            columns = bright.any(1).float().argmax(1)
            found.append(torch.stack([rows, (columns > 12).long()], 1))
        return torch.cat(found)

    loader = photos(augment=True).train
    torch.manual_seed(0)
    mine = torch.cat([drawn(made_on(HERE, loader)) for _ in range(20)])
    its = torch.cat([drawn(loader) for _ in range(20)])
    for some in (mine, its):
        assert set(some[:, 0].tolist()) == set(range(-4, 5))
        assert torch.bincount(some[:, 0] + 4).min() > 150, "about 229 each of 2,060"
        assert 0.45 < some[:, 1].float().mean() < 0.55


def test_the_same_seed_gives_the_same_batches():
    def first() -> torch.Tensor:
        train = photos(augment=True).train
        torch.manual_seed(3)
        return next(made_on(HERE, train))[0]

    assert torch.equal(first(), first())


def test_only_loaders_without_anything_of_the_students_are_replaced():
    train = photos(augment=False).train
    assert is_plain(train) and is_plain(photos(augment=False).val)
    mine: Any = train.dataset
    assert not is_plain(DataLoader(mine, SIZE, shuffle=True)), "torch's own collating"
    assert not is_plain(DataLoader(mine, SIZE, collate_fn=lambda batch: batch))
    some = RandomSampler(mine, num_samples=10)
    assert not is_plain(DataLoader(mine, SIZE, sampler=some, collate_fn=train.collate_fn))
    assert not is_plain(DataLoader(TensorDataset(torch.zeros(3, 3)), SIZE))


def test_without_a_gpu_the_loader_itself_is_asked(monkeypatch):
    monkeypatch.setattr("skipgrade.lab.feeding.device", lambda: HERE)
    monkeypatch.setattr("skipgrade.lab.feeding.made_on", None)
    loader = photos(augment=False).val
    for mine, its in zip(batches(loader), loader, strict=True):
        assert torch.equal(mine[0], its[0]) and torch.equal(mine[1], its[1])


def test_images_are_carried_to_a_device_once():
    images: Any = photos(augment=False).train.dataset
    assert images.on(HERE) is images.on(HERE)
