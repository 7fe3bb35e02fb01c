"""Loaders that turn a whole batch of pixels into a batch of normalised floats at once."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from skipgrade.lab import data
from skipgrade.lab.data import Triple
from skipgrade.lab.errors import LabError

Batch = tuple[torch.Tensor, torch.Tensor]
PAD = 4


@dataclass(frozen=True)
class Data:
    """A data set ready for training; batches are normalised float32 [n, 3, 32, 32]."""

    name: str
    source: str
    classes: list[str]
    mean: Triple
    std: Triple
    augment: bool
    train: DataLoader[Any]
    val: DataLoader[Any]
    test: DataLoader[Any]

    @property
    def num_classes(self) -> int:
        return len(self.classes)


class BatchedImages(Dataset[Any]):
    """Pixels kept as bytes; normalised, and augmented if asked, a batch at a time."""

    def __init__(self, images: data.Images, mean: Triple, std: Triple, *, augment: bool) -> None:
        self._pixels = images.pixels
        self._labels = images.labels
        self._augment = augment
        self._scale = 1 / (255 * torch.tensor(std)).view(1, 3, 1, 1)
        self._shift = -(torch.tensor(mean) / torch.tensor(std)).view(1, 3, 1, 1)
        self._elsewhere: BatchedImages | None = None
        self.classes = images.classes

    def on(self, place: torch.device) -> "BatchedImages":
        """The same images in the memory of `place`; carried there once."""
        there = self._elsewhere
        if there is None or there._pixels.device != place:
            there = self._elsewhere = copy(self)
            for name in ("_pixels", "_labels", "_scale", "_shift"):
                setattr(there, name, getattr(self, name).to(place))
        return there

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        pixels, labels = self.__getitems__([index])
        return pixels[0], int(labels[0])

    def __getitems__(self, indices: list[int]) -> Batch:
        return self.batch(torch.as_tensor(indices))

    def batch(self, chosen: torch.Tensor) -> Batch:
        pixels = self._pixels[chosen]
        if self._augment:
            pixels = crop_and_flip(pixels)
        return pixels.float().mul_(self._scale).add_(self._shift), self._labels[chosen]


def crop_and_flip(pixels: torch.Tensor) -> torch.Tensor:
    """Shift each image by up to 4 pixels (black comes in) and mirror half of them."""
    count, channels, height, width = pixels.shape
    place = pixels.device
    padded = torch.nn.functional.pad(pixels, (PAD, PAD, PAD, PAD))
    top = torch.randint(2 * PAD + 1, (count, 1), device=place)
    left = torch.randint(2 * PAD + 1, (count, 1), device=place)
    mirrored = torch.rand(count, 1, device=place) < 0.5
    across = torch.arange(width, device=place)
    rows = top + torch.arange(height, device=place)
    columns = left + torch.where(mirrored, across.flip(0), across)
    return padded[
        torch.arange(count, device=place).view(-1, 1, 1, 1),
        torch.arange(channels, device=place).view(1, -1, 1, 1),
        rows.view(count, 1, height, 1),
        columns.view(count, 1, 1, width),
    ]


def load(
    name: str = "cifar10",
    *,
    batch_size: int = 128,
    augment: bool = False,
    val: int = 5000,
    seed: int = 0,
) -> Data:
    """Training, validation and test loaders; `val` training images are held out, seeded.

    `augment` applies to the training batches alone: crop after padding by 4, flip half.
    """
    splits = {
        split: data.take_split(name, split, val=val, seed=seed)
        for split in ("train", "val", "test")
    }
    return make_loaders(name, splits, batch_size=batch_size, augment=augment, seed=seed)


def make_loaders(
    name: str, splits: dict[str, data.Images], *, batch_size: int, augment: bool, seed: int
) -> Data:
    """Loaders over the images of "train", "val" and "test", normalised as `name` is."""
    if batch_size < 1:
        raise LabError(f"batch_size={batch_size}: a batch needs at least one image.")
    mean, std = data.normalisation(name)
    sets = {
        split: BatchedImages(images, mean, std, augment=augment and split == "train")
        for split, images in splits.items()
    }
    order = torch.Generator().manual_seed(seed)
    return Data(
        name=name,
        source=data.source(),
        classes=sets["train"].classes,
        mean=mean,
        std=std,
        augment=augment,
        train=DataLoader(
            sets["train"],
            batch_size,
            shuffle=True,
            generator=order,
            collate_fn=as_is,
            pin_memory=torch.cuda.is_available(),
        ),
        val=DataLoader(sets["val"], 500, collate_fn=as_is),
        test=DataLoader(sets["test"], 500, collate_fn=as_is),
    )


def as_is(batch: Any) -> Batch:
    """The data set already made the batch."""
    return batch
