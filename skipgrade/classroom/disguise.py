"""How the final test's images are altered, so that a search among public images is led astray and
a network that learned from ordinary images still reads nearly as many. Runs in the instructor's
process, for `skipgrade holdout build`.

Whole numbers and NumPy's frozen RandomState methods only: the same stream gives the same bytes on
every machine. Shares and contrast are in 1024ths, brightness in 256ths of the range.

Left out after trying: turning, zooming, bending and covering. Between pixels an image loses
sharpness, which cost a network about as much as all of this, and small patches were found anyway.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.integer[Any]]

SIDE, CHUNK = 32, 500
SQUARES = 8  # each way, in which large shades are seen


@dataclass(frozen=True)
class Strength:
    """How much is done to an image; what is a most, each image draws for itself."""

    decoy: int = 0  # share of its large shades that come from the likest image of another class
    mixture: int = 0  # at most, of another image of its own class
    shift: int = 2  # pixels, at most
    contrast: int = 48  # at most, more or less
    brightness: int = 8  # at most, up or down
    noise: int = 2  # at most, up or down


LIGHT = Strength()  # where the images are in nobody's hands
PUBLIC = Strength(decoy=320, mixture=240, shift=3, contrast=0, noise=0)  # could be looked up


def disguise(pixels: Bytes, labels: Ints, random: np.random.RandomState, how: Strength) -> Bytes:
    """Each image [n, 3, 32, 32] shifted, half of them mirrored, mixed, reshaded and toned."""
    photos = pixels.transpose(0, 2, 3, 1).astype(np.int32)
    others = _others_of_class(labels, random)
    squares = _squares(photos)
    parts = []
    for start in range(0, len(photos), CHUNK):
        some = slice(start, start + CHUNK)
        image = _moved(photos[some], random, how.shift)
        if how.mixture:
            other = _moved(photos[others[some]], random, how.shift)
            image += (other - image) * _one_each(random, 0, how.mixture, len(image)) >> 10
        if how.decoy:
            own = _squares(image)
            decoys = squares[_likest_of_another_class(own, labels[some], squares, labels)]
            image += _spread(decoys - own) * how.decoy >> 10
        image = _toned(image, random, how)
        parts.append(np.clip(image, 0, 255).astype(np.uint8))
    return np.ascontiguousarray(np.concatenate(parts).transpose(0, 3, 1, 2))


def _one_each(random: np.random.RandomState, low: int, high: int, count: int) -> Ints:
    """One whole number an image, both ends included, shaped to go with its pixels."""
    return random.randint(low, high + 1, (count, 1, 1, 1)).astype(np.int32)


def _others_of_class(labels: Ints, random: np.random.RandomState) -> Ints:
    """For each image another one of its class, each used once: the next in a drawn circle."""
    found = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        found[members] = np.roll(members, 1)
    return found


def _moved(image: Ints, random: np.random.RandomState, most: int) -> Ints:
    """Shifted by whole pixels, half of them mirrored; what leaves is mirrored back in."""
    count = len(image)
    top, left = random.randint(-most, most + 1, (2, count, 1))
    mirrored = random.randint(0, 2, (count, 1)) == 1
    along = np.arange(SIDE)
    rows, columns = top + along, left + np.where(mirrored, along[::-1], along)
    number = np.arange(count)[:, None, None]
    return image[number, _inside(rows)[:, :, None], _inside(columns)[:, None, :]]


def _inside(place: Ints) -> Ints:
    """Places beyond an edge fall back in, as in a mirror."""
    return SIDE - 1 - abs(SIDE - 1 - abs(place))


def _squares(image: Ints) -> Ints:
    """The mean colours of 8 by 8 squares: [n, 8, 8, 3]."""
    side = SIDE // SQUARES
    grid = image.reshape(len(image), SQUARES, side, SQUARES, side, 3)
    return grid.sum((2, 4), dtype=np.int32) // side**2


def _spread(small: Ints) -> Ints:
    """Squares drawn out to the size of an image, linearly between their middles."""
    eighths = 2 * np.arange(SIDE) + 1 - SIDE // SQUARES  # of a square, from the first middle on
    place = np.clip(eighths, 0, 8 * (SQUARES - 1))
    at = np.minimum(place // 8, SQUARES - 2)
    part = (place - 8 * at).astype(np.int32)
    down, across = part[:, None, None], part[:, None]
    tall = small[:, at] * (8 - down) + small[:, at + 1] * down
    return tall[:, :, at] * (8 - across) + tall[:, :, at + 1] * across >> 6


def _likest_of_another_class(own: Ints, label: Ints, squares: Ints, labels: Ints) -> Ints:
    """Which image has the nearest squares. Exact on every machine, for doubles hold the sums."""
    these, those = (part.reshape(len(part), -1).astype(np.float64) for part in (own, squares))
    distance = (those**2).sum(1) - 2 * these @ those.T
    distance[label[:, None] == labels[None, :]] = np.inf
    return distance.argmin(1)


def _toned(image: Ints, random: np.random.RandomState, how: Strength) -> Ints:
    """A little other contrast and brightness, and a little noise."""
    count = len(image)
    gain = 1024 + _one_each(random, -how.contrast, how.contrast, count)
    brighter = _one_each(random, -how.brightness, how.brightness, count)
    noise = random.randint(-how.noise, how.noise + 1, image.shape).astype(np.int32)
    return ((image - 128) * gain >> 10) + 128 + brighter + noise
