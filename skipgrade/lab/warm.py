"""For a process that others are forked from: images read here are there in every fork.

Among the forks are students' kernels, so nothing of the test split is read: not even for its
checksum, since what has been read can stay in memory that was given back.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from skipgrade.lab.data import dataset, folder, source
from skipgrade.lab.official import unusable


def cifar10() -> None:
    _keep("cifar10")


def cifar100() -> None:
    _keep("cifar100")


def _keep(name: str) -> None:
    """Read the training images, if they are at hand: nothing is downloaded for this."""
    if source() == "builtin" or not unusable(name, "train", folder()):
        with _one_thread():
            for split in ("train", "val", "stand-in"):
                dataset(name, split)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Start no pool of threads: forks would wait for threads that they do not have."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
