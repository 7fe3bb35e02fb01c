"""The pack of a private final test: images without labels, and classes under other numbers.

The course's instructor makes it (`skipgrade holdout build`) and keeps the labels. Training images
are the ordinary ones; the pack says which number each of them has here.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from skipgrade.lab import data
from skipgrade.lab.errors import LabError
from skipgrade.lab.files import write_atomically
from skipgrade.lab.loaders import Data, make_loaders

FILE = "pack.safetensors"
FORMAT = "skipgrade-pack-1"
NO_LABEL = -100  # cross-entropy leaves such images out


@dataclass(frozen=True)
class Pack:
    """Final test images, and the numbers the classes have in this course.

    `images` is uint8 [n, 3, 32, 32]; `train_labels` int64, one for each ordinary training image.
    """

    name: str
    source: str
    images: torch.Tensor
    train_labels: torch.Tensor

    @property
    def fingerprint(self) -> str:
        """Changes with every image and every number; ties the pack to the labels kept back."""
        digest = hashlib.sha256(f"{self.name} {self.source}".encode())
        for tensor in (self.images, self.train_labels):
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def load(
        self, *, batch_size: int = 128, augment: bool = False, val: int = 5000, seed: int = 0
    ) -> Data:
        """Like `lab.load`, with the pack's class numbers. `.test` gives the final images in the
        pack's order, each with the label -100: nobody here knows the right one."""
        numbers = self.new_numbers()
        classes = [f"class {number}" for number in range(len(numbers))]
        splits = {
            split: data.Images(images.pixels, numbers[images.labels], classes)
            for split in ("train", "val")
            for images in [data.take_split(self.name, split, val=val, seed=seed)]
        }
        unknown = torch.full((len(self.images),), NO_LABEL)
        splits["test"] = data.Images(self.images, unknown, classes)
        return make_loaders(self.name, splits, batch_size=batch_size, augment=augment, seed=seed)

    def new_numbers(self) -> torch.Tensor:
        """The new number of each class; an error if the pack belongs to other training images."""
        ordinary = data.official_split(self.name, "train").labels
        if len(ordinary) == len(self.train_labels):
            numbers = torch.zeros(int(ordinary.max()) + 1, dtype=torch.int64)
            numbers[ordinary] = self.train_labels
            if torch.equal(numbers[ordinary], self.train_labels):
                return numbers
        raise LabError(
            f"The pack was made for other training images than those of {self.name} here "
            f"({self.source} images, {len(self.train_labels)} of them). Get the course's own pack."
        )


def open_pack(place: str | Path | None = None) -> Pack:
    """The course's pack: `pack.safetensors` next to the notebook, or what SKIPGRADE_PACK names.

    `place` or SKIPGRADE_PACK may be a file, or an https address from which the file is fetched
    once. It must have been made from the images in force.
    """
    wanted = str(place or os.environ.get("SKIPGRADE_PACK") or FILE)
    path = Path(FILE) if wanted.startswith("https://") else Path(wanted).expanduser()
    if not path.is_file() and wanted.startswith("https://"):
        _fetch(wanted, path)
    pack = _read(path)
    if pack.source != data.source():
        raise LabError(
            f"{path} was made from the {pack.source} images, but SKIPGRADE_DATASET chooses the "
            f"{data.source()} ones. Use the pack made from those, or change SKIPGRADE_DATASET."
        )
    return pack


def write_pack(pack: Pack, path: Path) -> None:
    """Safetensors, and nothing in it but what a `Pack` holds."""
    tensors = {
        "images": pack.images.contiguous(),
        "train_labels": pack.train_labels.to(torch.uint8).contiguous(),
    }
    about = {"format": FORMAT, "name": pack.name, "source": pack.source}
    write_atomically(path, save(tensors, metadata=about))


def _read(path: Path) -> Pack:
    if not path.is_file():
        raise LabError(
            f"{path} is missing: the final test images of this course. Get the file from where "
            "your course publishes it and put it next to this notebook (on Colab: the folder "
            "symbol on the left, then upload), or name its place in SKIPGRADE_PACK."
        )
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise LabError(f"{path} is damaged ({error}): fetch it again.") from error
    if about.get("format") != FORMAT:
        raise LabError(f"{path} is not a final-test pack: download the course's own again.")
    labels = tensors["train_labels"].long()
    return Pack(about["name"], about["source"], tensors["images"], labels)


def _fetch(address: str, path: Path) -> None:
    try:
        with urlopen(address, timeout=60) as answer:
            content = answer.read()
    except (URLError, OSError) as error:
        raise LabError(
            f"The final test images could not be fetched from {address}: {error}. Try again, or "
            f"download the file by hand and put it next to this notebook as {path}."
        ) from error
    write_atomically(path, content)
