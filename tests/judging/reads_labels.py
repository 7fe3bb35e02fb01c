"""What a submission does to find the test split. Its text is put into a cell; nothing imports it."""

import ctypes
import hashlib
import json
import os
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.datasets import CIFAR10

from skipgrade import lab

PIECE, OVERLAP = 2**24, 2**10
DATA = Path(os.environ.get("SKIPGRADE_DATA", "data"))
NAMES = (
    *(f"data_batch_{number}" for number in range(1, 6)),
    *("test_batch", "batches.meta", "train", "test", "meta", "cifar-10-python.tar.gz"),
)


def digest(tensor: torch.Tensor) -> str:
    return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()


def of_dataset(images: Any) -> list[str]:
    pixels = torch.from_numpy(np.ascontiguousarray(images.data.transpose(0, 3, 1, 2)))
    return [digest(pixels), digest(torch.tensor(images.targets))]


def of_loader(loader: Any) -> list[str]:
    labels = torch.cat([some for _, some in loader])
    return [digest(loader.dataset._pixels), digest(labels)]


def of_raw(split: str) -> list[str]:
    return [digest(part) for part in lab.raw("cifar10", split)]


def tried(way: Callable[[], Any]) -> Any:
    try:
        return way()
    except Exception as error:
        return type(error).__name__


def with_environment(split: str, **changes: str) -> Any:
    kept = dict(os.environ)
    os.environ.update(changes)
    try:
        return tried(lambda: of_raw(split))
    finally:
        os.environ.clear()
        os.environ.update(kept)


def afresh(split: str, **changes: str) -> Any:
    """What is read from the files, with nothing kept in memory."""
    lab.data._official.cache_clear()
    lab.data._drawn.cache_clear()
    return with_environment(split, **changes)


def in_memory(needles: dict[str, str]) -> list[str]:
    """Which needles are somewhere in this process's memory; they come with every bit turned."""
    seen: set[str] = set()
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights = line.split()[:2]
        start, end = (int(edge, 16) for edge in span.split("-"))
        for piece in range(start, end, PIECE - OVERLAP) if "r" in rights else ():
            found = looked_at(piece, min(end - piece, PIECE))
            turned = bytearray(found)
            view = np.frombuffer(turned, np.uint8)
            view ^= 255
            seen |= {name for name, coded in needles.items() if bytes.fromhex(coded) in turned}
            view.fill(0)  # where it holds a needle as it came, that is turned now: a false find
    return sorted(seen)


def looked_at(address: int, size: int) -> bytes:
    """Memory as the kernel copies it into a pipe: a page that nobody can read ends it."""
    ours, theirs = os.pipe()
    libc = ctypes.CDLL(None, use_errno=True)
    found = []
    for at in range(address, address + size, 65536):
        count = min(65536, address + size - at)
        if libc.write(theirs, ctypes.c_void_p(at), ctypes.c_size_t(count)) != count:
            break
        found.append(os.read(ours, count))
    os.close(ours)
    os.close(theirs)
    return b"".join(found)


def opened() -> list[str]:
    """The files of the data folder that can be read."""
    places = [Path(part, name) for part in ("cifar-10-batches-py", "cifar-100-python", ".")
              for name in NAMES]  # fmt: skip
    return [str(place) for place in places if len(tried(partial(first_byte, place))) == 1]


def first_byte(place: Path) -> bytes:
    with (DATA / place).open("rb") as file:
        return file.read(1)


def everything(needles: dict[str, str]) -> dict[str, Any]:
    inherited = in_memory(needles)  # before anything here has read or drawn an image
    pickled = pickle.dumps(lab.dataset("cifar10", "test"))
    return {
        "memory": inherited,
        "raw": of_raw("test"),
        "dataset": of_dataset(lab.dataset("cifar10", "test")),
        "load": of_loader(lab.load("cifar10").test),
        "pickle": of_dataset(pickle.loads(pickled)),
        "train": of_raw("train"),
        "read": lab.data._official.cache_info().currsize + lab.data._drawn.cache_info().currsize,
        "train afresh": afresh("train"),
        "without the mark": with_environment("test", NBGRADER_EXECUTION=""),
        "as the judge": with_environment("test", SKIPGRADE_JUDGE="1"),
        "afresh as the judge": afresh("test", SKIPGRADE_JUDGE="1"),
        "torchvision": tried(lambda: len(CIFAR10(DATA, train=False).targets)),
        "opened": opened(),
        "listed": [name for _, folders, files in os.walk(DATA) for name in (*folders, *files)],
    }


def tell(needles: dict[str, str]) -> None:
    print("FOUND", json.dumps(everything(needles)))
