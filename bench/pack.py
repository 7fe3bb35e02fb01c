"""How much of 05's final test a search among the public test images still finds, and its cost.

    SKIPGRADE_DATA=... python bench/pack.py [--sample 200] [--json pack.json]

Before: images shifted, mirrored and lightly toned, as packs were first made (and still are where
the images are drawn from the key). After: today's. The cheat knows how images are altered, looks
in the 10,000 test images alone and tries what undoes it. He takes the label of the image he finds:
a wrong image of the right class counts for him.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from surroundings import save
from torch import Tensor
from torch.nn import functional as F

from skipgrade import lab
from skipgrade.classroom.disguise import LIGHT, PUBLIC, Strength, disguise
from skipgrade.judging.secret import stream

CUT = 4  # pixels left out at each edge where an image is shifted
PATCH, STEP, REACH = 6, 3, 2  # of images at half their size

View = Callable[[Tensor, int], Tensor]
Tries = Callable[[Tensor], Iterator[Tensor]]
Search = Callable[[Tensor, Tensor], Tensor]


def colour(images: Tensor, size: int) -> Tensor:
    return F.adaptive_avg_pool2d(images, size)


def grey(images: Tensor, size: int) -> Tensor:
    return F.adaptive_avg_pool2d(images.mean(1, keepdim=True), size)


def edges(images: Tensor, size: int) -> Tensor:
    """What is left when each place loses the mean around it."""
    small = grey(images, size)
    return small - F.avg_pool2d(small, 5, 1, 2, count_include_pad=False)


def as_it_is(images: Tensor) -> Iterator[Tensor]:
    yield images


def mirrored(images: Tensor) -> Iterator[Tensor]:
    yield from (images, images.flip(3))


def shifted(images: Tensor) -> Iterator[Tensor]:
    """Mirrored, and shifted by up to 3 pixels each way."""
    for one in mirrored(images):
        padded = F.pad(one, (3, 3, 3, 3), mode="reflect")
        for top in range(7):
            yield from (padded[:, :, top : top + 32, left : left + 32] for left in range(7))


def nearest(view: View, size: int, tries: Tries) -> Search:
    """The image with the smallest distance, number by number."""

    def search(asked: Tensor, known: Tensor) -> Tensor:
        those = view(known, size).flatten(1)
        likeness = [-torch.cdist(view(one, size).flatten(1), those) for one in tries(asked)]
        return torch.stack(likeness).amax(0).argmax(1)

    return search


def alike(view: View, size: int) -> Search:
    """The image with the largest correlation: contrast and brightness do not matter."""

    def search(asked: Tensor, known: Tensor) -> Tensor:
        those = _unit(_inner(view, known, size))
        best = torch.full((len(asked), len(known)), -torch.inf)
        for one in shifted(asked):
            torch.maximum(best, _unit(_inner(view, one, size)) @ those.T, out=best)
        return best.argmax(1)

    return search


def _inner(view: View, images: Tensor, size: int) -> Tensor:
    return view(images[:, :, CUT:-CUT, CUT:-CUT], size).flatten(1)


def _unit(rows: Tensor) -> Tensor:
    return F.normalize(rows - rows.mean(-1, keepdim=True), dim=-1)


def patches(view: View) -> Search:
    """Nine pieces of the image, each without its mean and looked for around its own place; the
    likeness is the sum of the best of each. No shift or large shade puts all of them out."""

    def search(asked: Tensor, known: Tensor) -> Tensor:
        places = F.normalize(_pieces(view(known, 16), 1), dim=-1)
        inner = [view(one, 16)[:, :, REACH:-REACH, REACH:-REACH] for one in mirrored(asked)]
        return (
            torch.stack([_likeness(_pieces(one, STEP), places) for one in inner]).amax(0).argmax(1)
        )

    return search


def _pieces(images: Tensor, step: int) -> Tensor:
    """Pieces [n, rows, columns, numbers] at every `step`-th place, each colour without its mean."""
    cut = images.unfold(2, PATCH, step).unfold(3, PATCH, step)
    pieces = cut.permute(0, 2, 3, 1, 4, 5).flatten(4)
    return (pieces - pieces.mean(-1, keepdim=True)).flatten(3)


def _likeness(asked: Tensor, places: Tensor) -> Tensor:
    total = torch.zeros(len(asked), len(places))
    for row in range(asked.shape[1]):
        for column in range(asked.shape[2]):
            best = torch.full_like(total, -torch.inf)
            for down in range(STEP * row, STEP * row + 2 * REACH + 1):
                for across in range(STEP * column, STEP * column + 2 * REACH + 1):
                    likeness = asked[:, row, column] @ places[:, down, across].T
                    torch.maximum(best, likeness, out=best)
            total += best
    return total


SEARCHES: dict[str, Search] = {
    "distance, 32 by 32 colour, as it is": nearest(colour, 32, as_it_is),
    "distance, 32 by 32 colour, mirrored": nearest(colour, 32, mirrored),
    "distance, 32 by 32 grey, mirrored": nearest(grey, 32, mirrored),
    "distance, 16 by 16 colour, mirrored": nearest(colour, 16, mirrored),
    "distance, 8 by 8 colour, mirrored": nearest(colour, 8, mirrored),
    "distance, 8 by 8 grey, mirrored": nearest(grey, 8, mirrored),
    "distance, 4 by 4 colour, mirrored": nearest(colour, 4, mirrored),
    "distance, 8 by 8 colour, shifted": nearest(colour, 8, shifted),
    "correlation, 24 by 24 grey, shifted": alike(grey, 24),
    "correlation, 12 by 12 colour, shifted": alike(colour, 12),
    "correlation, 24 by 24 edges, shifted": alike(edges, 24),
    "nine patches, grey": patches(grey),
    "nine patches, colour": patches(colour),
}


def measure(how: Strength, sample: int) -> dict[str, dict[str, float]]:
    """Of each search: the share of labels found, and the seconds for 10,000 images."""
    pixels, labels = lab.raw("cifar10", "test")
    altered = disguise(pixels.numpy(), labels.numpy(), stream("bench", "pack"), how)
    chosen = torch.arange(0, len(labels), len(labels) // sample)[:sample]
    asked, known = torch.from_numpy(altered)[chosen] / 255, pixels / 255
    found = {}
    for name, search in SEARCHES.items():
        started = time.process_time()
        place = search(asked, known)
        seconds = (time.process_time() - started) * len(labels) / sample
        share = float((labels[place] == labels[chosen]).float().mean())
        found[name] = {"share": round(share, 3), "cpu_seconds": round(seconds, 1)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sample", type=int, default=200, help="images looked for")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    before, after = (measure(how, arguments.sample) for how in (LIGHT, PUBLIC))
    print(f"{'labels found by':<40}{'before':>8}{'after':>8}   CPU for 10,000 images")
    for name, now in after.items():
        was = before[name]["share"]
        print(f"{name:<40}{was:>8.1%}{now['share']:>8.1%}{now['cpu_seconds']:>10.0f} s")
    if arguments.json:
        content: dict[str, Any] = {"sample": arguments.sample, "strength": asdict(PUBLIC)}
        save(arguments.json, content | {"before": before, "after": after})


if __name__ == "__main__":
    main()
