"""Batches for the device that computes; on a GPU the course's own images stay there as bytes.

A loader in a student's hands always gives tensors on the CPU. Only `lab.fit` and `lab.evaluate`
come here.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler

from skipgrade.lab.loaders import Batch, BatchedImages, as_is
from skipgrade.lab.machine import device

IMAGES_AT_ONCE = 8192  # few large launches instead of many small ones; 100 MB as floats


def batches(loader: DataLoader[Any]) -> Iterator[Batch]:
    """The loader's batches, on the device that computes."""
    place = device()
    if place.type == "cuda" and is_plain(loader):
        yield from made_on(place, loader)
        return
    for images, labels in loader:
        yield images.to(place, non_blocking=True), labels.to(place, non_blocking=True)


def is_plain(loader: DataLoader[Any]) -> bool:
    """The course's own images, once each, with nothing of the student's on the way."""
    sampler: Any = loader.sampler
    whole = type(sampler) is SequentialSampler or (
        type(sampler) is RandomSampler
        and not sampler.replacement
        and sampler.num_samples == len(sampler.data_source)
    )
    return (
        type(loader.dataset) is BatchedImages
        and whole
        and type(loader.batch_sampler) is BatchSampler
        and loader.collate_fn is as_is
    )


def made_on(place: torch.device, loader: DataLoader[Any]) -> Iterator[Batch]:
    """What the loader would give, made on `place`: as random, but not the same draws."""
    images: Any = loader.dataset
    sampler: Any = loader.sampler
    size, there = loader.batch_size or 1, images.on(place)
    order = (
        torch.randperm(len(images), generator=sampler.generator)
        if type(sampler) is RandomSampler
        else torch.arange(len(images))
    )
    if loader.drop_last:
        order = order[: len(order) // size * size]
    for some in order.to(place).split(max(1, IMAGES_AT_ONCE // size) * size):
        pixels, labels = there.batch(some)
        yield from zip(pixels.split(size), labels.split(size), strict=True)
