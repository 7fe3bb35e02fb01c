"""The images: official CIFAR through torchvision, or the drawn set that needs no download."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from skipgrade.lab import builtin
from skipgrade.lab.errors import LabError
from skipgrade.lab.machine import autograding

MEAN = {"cifar10": (0.4914, 0.4824, 0.4467), "cifar100": (0.5071, 0.4865, 0.4409)}
STD = {"cifar10": (0.2471, 0.2435, 0.2616), "cifar100": (0.2673, 0.2564, 0.2762)}

_OFFICIAL_TRAIN_SIZE = 50_000

STANDING_IN = (
    "While this notebook is graded, validation images stand in for the test images: "
    "test accuracies shown here are not the real ones."
)

Triple = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Images:
    """One split as plain arrays, shared between callers: not to be written to."""

    pixels: torch.Tensor  # uint8 [n, 3, 32, 32]
    labels: torch.Tensor  # int64 [n]
    classes: list[str]

    @cached_property
    def photos(self) -> np.ndarray:
        """The pixels with the colours last, as PIL wants them: uint8 [n, 32, 32, 3]."""
        photos = self.pixels.permute(0, 2, 3, 1).contiguous().numpy()
        photos.flags.writeable = False
        return photos


def source() -> str:
    """Which images are in force: "official" (torchvision's CIFAR) or "builtin" (drawn)."""
    chosen = os.environ.get("SKIPGRADE_DATASET") or "official"
    if chosen not in ("official", "builtin"):
        raise LabError(
            f"SKIPGRADE_DATASET is {chosen!r}: use 'builtin' for the drawn images, "
            "or unset it for the official CIFAR files."
        )
    return chosen


def folder() -> Path:
    """Where the official files lie, or will be downloaded to."""
    return Path(os.environ.get("SKIPGRADE_DATA") or "data").expanduser()


def normalisation(name: str = "cifar10") -> tuple[Triple, Triple]:
    """Mean and standard deviation of the images in force, by colour channel in 0..1."""
    _check_name(name)
    if source() == "builtin":
        return builtin.MEAN[name], builtin.STD[name]
    return MEAN[name], STD[name]


def raw(name: str, split: str) -> tuple[torch.Tensor, torch.Tensor]:
    """All pixels (uint8 [n, 3, 32, 32]) and labels (int64 [n]) of split "train" or "test".

    While nbgrader grades, "test" is "stand-in" (see `official_split`).
    """
    images = official_split(name, split)
    return images.pixels.clone(), images.labels.clone()


def official_split(name: str, split: str) -> Images:
    """The train or test images in force.

    While nbgrader grades, the judge alone has the test split. A submission gets "stand-in" for it:
    as many images, but all of them training images (see `_stand_in`), with their own labels.
    """
    _check_name(name)
    if split not in ("train", "test", "stand-in"):
        raise LabError(f"There is no split {split!r} here: use 'train' or 'test'.")
    if split == "test" and _on_trial():
        _say_once(STANDING_IN)
        split = "stand-in"
    if split == "stand-in":
        return _stand_in(official_split(name, "train"))
    if source() == "builtin":
        return _drawn(name, split)
    return _official(name, split)


def _on_trial() -> bool:
    """Whether this is a submission being graded; a judge is told apart when it is started."""
    return autograding() and "SKIPGRADE_JUDGE" not in os.environ


@lru_cache(maxsize=1)
def _say_once(text: str) -> None:
    print(text)


@lru_cache(maxsize=2)
def _stand_in(training: Images) -> Images:
    """The images `take_split` holds out for validation, as they are and mirrored.

    A network trained with `lab.load` has not seen them, so that it is about as often right here as
    on the test images; what a notebook compares or chooses by still makes sense.
    """
    held_out = _part(training, "val", len(training.labels) // 10, 0)
    pixels = torch.cat([held_out.pixels, held_out.pixels.flip(3)])
    return Images(pixels, held_out.labels.repeat(2), training.classes)


def take_split(name: str, split: str, *, val: int, seed: int) -> Images:
    """Split "train", "val" or "test"; the first two share out the official training images.

    While nbgrader grades, "test" is "stand-in" (see `official_split`).

    The drawn set is smaller than CIFAR: there `val` is scaled to the same share of it.
    """
    if split in ("test", "stand-in"):
        return official_split(name, split)
    if split not in ("train", "val"):
        raise LabError(f"There is no split {split!r}: use 'train', 'val' or 'test'.")
    images = official_split(name, "train")
    held_out = val
    if source() == "builtin":
        held_out = val * len(images.labels) // _OFFICIAL_TRAIN_SIZE
    if not 0 <= held_out < len(images.labels):
        raise LabError(f"val={val} does not leave any of the {len(images.labels)} images to train.")
    return _part(images, split, held_out, seed)


@lru_cache(maxsize=4)
def _part(images: Images, split: str, held_out: int, seed: int) -> Images:
    # RandomState's stream is frozen by NumPy, so the split is the same everywhere.
    order = torch.from_numpy(np.random.RandomState(seed).permutation(len(images.labels)))
    chosen = order[:held_out] if split == "val" else order[held_out:]
    chosen = chosen.sort().values
    return Images(images.pixels[chosen], images.labels[chosen], images.classes)


class CourseImages(Dataset[Any]):
    """The course's own data set: PIL images and integer labels, like torchvision's.

    As there, `data` holds all pixels (uint8 [n, 32, 32, 3], not to be written to) and `targets`
    all labels.
    """

    def __init__(self, images: Images, transform: Callable[[Image.Image], Any] | None) -> None:
        self.data = images.photos
        self.targets = images.labels.tolist()
        self.classes = images.classes
        self.transform = transform

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image: Any = Image.fromarray(self.data[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, self.targets[index]


def dataset(
    name: str = "cifar10",
    split: str = "train",
    *,
    transform: Callable[[Image.Image], Any] | None = None,
    val: int = 5000,
    seed: int = 0,
) -> CourseImages:
    """The same split of the same images as `load`, one PIL image at a time."""
    return CourseImages(take_split(name, split, val=val, seed=seed), transform)


@lru_cache(maxsize=4)
def _drawn(name: str, split: str) -> Images:
    pixels, labels = builtin.split(name, split)
    return Images(pixels, labels, builtin.class_names(name))


@lru_cache(maxsize=4)
def _official(name: str, split: str) -> Images:
    """The same images wherever they are read: a fork needs no folder for what is here already."""
    from skipgrade.lab import official  # its torchvision takes as long to import as torch itself

    return Images(*official.read(name, split, folder().resolve()))


def _check_name(name: str) -> None:
    if name not in builtin.CLASSES:
        raise LabError(f"There is no data set {name!r}: use 'cifar10' or 'cifar100'.")
