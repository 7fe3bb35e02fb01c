"""The official CIFAR files: read, checked and if need be downloaded by torchvision."""

from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import CIFAR10, CIFAR100
from torchvision.datasets.utils import check_integrity

from skipgrade.lab.errors import LabError

_KINDS: dict[str, type[CIFAR10]] = {"cifar10": CIFAR10, "cifar100": CIFAR100}


def read(name: str, split: str, root: Path) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Pixels (uint8 [n, 3, 32, 32]), labels (int64 [n]) and the names of the classes."""
    missing = bool(unusable(name, split, root))
    try:
        found = _only(name, split)(str(root), train=split == "train", download=missing)
    except (OSError, RuntimeError) as error:
        raise LabError(_no_data(name, root, unusable(name, split, root))) from error
    pixels = torch.from_numpy(np.ascontiguousarray(found.data.transpose(0, 3, 1, 2)))
    return pixels, torch.tensor(found.targets), list(found.classes)


def unusable(name: str, split: str, root: Path) -> list[str]:
    """The official files of a split that are missing or do not have the published checksum."""
    kind = _only(name, split)
    wanted = [*kind.train_list, *kind.test_list, [kind.meta["filename"], kind.meta["md5"]]]
    paths = [(root / kind.base_folder / file, md5) for file, md5 in wanted]
    return [f"{path} ({trouble})" for path, md5 in paths if (trouble := _trouble(path, md5))]


def _only(name: str, split: str) -> type[CIFAR10]:
    """torchvision's data set, which reads and checks the files of this split and no others."""
    kind = _KINDS[name]
    other = "test_list" if split == "train" else "train_list"
    return type(kind.__name__, (kind,), {other: []})


def _trouble(path: Path, md5: str) -> str:
    if not path.is_file():
        return "missing"
    try:
        sound = check_integrity(str(path), md5)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if sound else "damaged: its checksum is not the published one"


def _no_data(name: str, root: Path, bad_files: list[str]) -> str:
    kind = _KINDS[name]
    trouble = "\n  ".join(bad_files) or f"{root} (cannot be read)"
    return (
        f"The official {name} files are not usable and could not be downloaded from\n"
        f"{kind.url}\n  {trouble}\nYou can:\n"
        f"  1. get the files: connect to the internet and run this cell again, or set "
        f"SKIPGRADE_DATA to a folder that holds {kind.base_folder}/ with the official files;\n"
        f"  2. work without them: set SKIPGRADE_DATASET=builtin for the drawn images "
        f"(in a notebook: %env SKIPGRADE_DATASET=builtin, before loading)."
    )
