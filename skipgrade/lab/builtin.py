"""A drawn stand-in for CIFAR: 32x32 RGB, 10 or 100 classes, no download, the same everywhere.

Each image shows one shape on a textured ground, among clutter, under noise. Of 10 classes the
label is the shape; of 100 it is the shape and the ground's texture. Position, size, angle, colours,
which of shape and ground is brighter, and (of 10 classes) the texture say nothing about the label,
so no single pixel does. All classes keep their meaning when mirrored or shifted.

Drawing uses whole numbers and NumPy's frozen RandomState stream: the same seed gives the same bytes
on every machine. Lengths are in sixteenths of a pixel.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skipgrade.lab.errors import LabError

SHAPES = ("disc", "ring", "square", "frame", "triangle", "cross", "bar", "pair", "crescent", "star")
TEXTURES = (
    "shade", "hatching", "stripes", "checks", "dots",
    "ripples", "mesh", "zigzag", "clouds", "grain",
)  # fmt: skip
CLASSES = {"cifar10": 10, "cifar100": 100}
TRAIN_COUNT, TEST_COUNT = 10_000, 2_000

# Measured on the training split, as for the official sets.
MEAN = {"cifar10": (0.4982, 0.4955, 0.4973), "cifar100": (0.4978, 0.4966, 0.4986)}
STD = {"cifar10": (0.2386, 0.2379, 0.2371), "cifar100": (0.2388, 0.2376, 0.2370)}

SIDE, SUB = 32, 16
RADIUS = (7 * SUB, 12 * SUB)
MAX_SHIFT = 4 * SUB
GROUND_CONTRAST = (10, 45)
SHAPE_CONTRAST = (45, 110)
NOISE = 40
SPECKS, SPECK_RADIUS = 4, (1 * SUB, 3 * SUB)
HALF_PERIOD = (2 * SUB + SUB // 2, 4 * SUB)
CHUNK = 500
WINDOW = 2 * (SPECK_RADIUS[1] // SUB + 2)  # pixels a side: a square speck's corners reach further

_ANGLES = 256
_COS = np.round(1024 * np.cos(2 * np.pi * np.arange(_ANGLES) / _ANGLES)).astype(np.int32)
_SIN = np.round(1024 * np.sin(2 * np.pi * np.arange(_ANGLES) / _ANGLES)).astype(np.int32)
_MIDDLE = (SIDE - 1) * SUB // 2
_LINE = (np.arange(SIDE) * SUB - _MIDDLE).astype(np.int32)  # the pixels of a row or a column
_ROW, _COLUMN = _LINE[None, None, :], _LINE[None, :, None]

Ints = NDArray[np.integer[Any]]


def draw(
    classes: int, count: int, seed: int | np.random.RandomState
) -> tuple[torch.Tensor, torch.Tensor]:
    """`count` images (uint8 [count, 3, 32, 32]) and labels (int64) of 10 or 100 classes.

    A number keeps 32 bits of what is wanted to be secret: where that counts, give the stream.
    """
    if classes not in CLASSES.values():
        raise LabError(f"The drawn set has 10 or 100 classes, not {classes}.")
    random = np.random.RandomState(seed) if isinstance(seed, int) else seed
    labels = random.permutation(np.arange(count) % classes).astype(np.int64)
    pixels = np.empty((count, 3, SIDE, SIDE), np.uint8)
    for start in range(0, count, CHUNK):
        some = slice(start, start + CHUNK)
        pixels[some] = _draw(labels[some], classes, random)
    return torch.from_numpy(pixels), torch.from_numpy(labels)


def split(name: str, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The train or test images that stand in for the data set `name`."""
    count = TRAIN_COUNT if part == "train" else TEST_COUNT
    return draw(CLASSES[name], count, zlib.crc32(f"{name} {part}".encode()))


def class_names(name: str) -> list[str]:
    if CLASSES[name] == len(SHAPES):
        return list(SHAPES)
    return [f"{shape} on {texture}" for shape in SHAPES for texture in TEXTURES]


def _draw(labels: Ints, classes: int, random: np.random.RandomState) -> Ints:
    count = len(labels)
    shapes: Ints = labels if classes == len(SHAPES) else labels // len(TEXTURES)
    textures: Ints = random.randint(0, len(TEXTURES), count)
    if classes > len(SHAPES):
        textures = labels % len(TEXTURES)
    dark, light, front = _colours(random, count)
    image = _mix(dark, light, _ground(textures, random))
    for _ in range(SPECKS):
        _add_speck(image, random)
    u, v = _turned(_place(random, count, MAX_SHIFT), _ROW, _COLUMN)
    depth = _by_kind(shapes, _SHAPES, u, v, _between(random, RADIUS, count))
    image = _mix(image, front, _covered(depth))
    first, second = random.randint(0, 256, (2, *image.shape), dtype=np.uint8)
    noise = first.astype(np.int16) + second - 255
    return np.clip(image + (noise * NOISE >> 8), 0, 255).astype(np.uint8)


def _between(random: np.random.RandomState, span: tuple[int, int], count: int) -> Ints:
    """One whole number an image, shaped to go with its pixels."""
    return random.randint(span[0], span[1] + 1, (count, 1, 1)).astype(np.int32)


def _colours(random: np.random.RandomState, count: int) -> tuple[Ints, Ints, Ints]:
    """Two colours of the ground and one of the shape, at least as far apart as set above."""
    ground = random.randint(50, 206, (count, 3, 1, 1)).astype(np.int16)
    swing = _signed(random, GROUND_CONTRAST, count)
    front = ground + _signed(random, SHAPE_CONTRAST, count)
    return ground - swing, ground + swing, front


def _signed(random: np.random.RandomState, span: tuple[int, int], count: int) -> Ints:
    """A step in each colour channel, up or down."""
    size = random.randint(span[0], span[1] + 1, (count, 3, 1, 1)).astype(np.int16)
    return size * random.choice(np.array([-1, 1], np.int16), (count, 3, 1, 1))


def _mix(under: Ints, over: Ints, weight: Ints) -> Ints:
    """`weight` runs from 0 (all under) to 16 (all over), one for each pixel."""
    return under + ((over - under) * weight.astype(np.int16)[:, None] >> 4)


def _covered(depth: Ints) -> Ints:
    """How much of a pixel lies inside a shape, 0 to 16."""
    return np.clip(depth + SUB // 2, 0, SUB)


def _place(random: np.random.RandomState, count: int, shift: int) -> tuple[Ints, Ints, Ints]:
    """A centre of each image's own, and an angle."""
    x = _between(random, (-shift, shift), count)
    y = _between(random, (-shift, shift), count)
    return x, y, _between(random, (0, _ANGLES - 1), count)


def _turned(place: tuple[Ints, Ints, Ints], row: Ints, column: Ints) -> tuple[Ints, Ints]:
    """Coordinates of the pixels that a row and a column span, as seen from a place."""
    x, y, angle = row - place[0], column - place[1], place[2]
    cos, sin = _COS[angle], _SIN[angle]
    return x * cos + y * sin >> 10, y * cos - x * sin >> 10


def _by_kind(
    kinds: Ints, table: Sequence[Callable[[Ints, Ints, Ints], Ints]], u: Ints, v: Ints, size: Ints
) -> Ints:
    """Each image's own kind of drawing, computed for all images of a kind at once."""
    drawn = np.empty(u.shape, np.int32)
    for kind, draw_kind in enumerate(table):
        chosen = kinds == kind
        drawn[chosen] = draw_kind(u[chosen], v[chosen], size[chosen])
    return drawn


def _add_speck(image: Ints, random: np.random.RandomState) -> None:
    """A small disc or square of any colour: clutter that says nothing. Few pixels are touched."""
    count = len(image)
    x, y, angle = _place(random, count, SIDE * SUB // 2)
    columns, rows = _window(x), _window(y).transpose(0, 2, 1)
    u, v = _turned((x, y, angle), _LINE[columns], _LINE[rows])
    kinds = random.randint(0, 2, count) * SHAPES.index("square")
    depth = _by_kind(kinds, _SHAPES, u, v, _between(random, SPECK_RADIUS, count))
    colour = random.randint(20, 236, (count, 3, 1, 1)).astype(np.int16)
    planes = np.arange(3 * count).reshape(count, 3, 1, 1)  # all channels of all images
    there = (planes * SIDE + rows[:, None]) * SIDE + columns[:, None]
    pixels = image.reshape(-1)
    pixels[there] = _mix(pixels[there], colour, _covered(depth))


def _window(centre: Ints) -> Ints:
    """Numbers of the pixels next to each centre along one axis, none beyond the image."""
    first = (centre + _MIDDLE) // SUB - (WINDOW // 2 - 1)
    return np.clip(first, 0, SIDE - WINDOW) + np.arange(WINDOW)


def _root(squared: Ints) -> Ints:
    """Rounded down; exact below 2 to the 24th, because IEEE square roots are."""
    return np.sqrt(squared.astype(np.float32)).astype(np.int32)


# Shapes: how deep inside a point lies (negative: outside), in sixteenths of a pixel.


def _cross(u: Ints, v: Ints, r: Ints) -> Ints:
    long, short = np.maximum(abs(u), abs(v)), np.minimum(abs(u), abs(v))
    return np.minimum(r - long, r * 5 // 16 - short)


def _crescent(u: Ints, v: Ints, r: Ints) -> Ints:
    bite = _root(u * u + (v - r * 9 // 16) ** 2) - r * 13 // 16
    return np.minimum(r - _root(u * u + v * v), bite)


def _triangle(u: Ints, v: Ints, r: Ints) -> Ints:
    return r * 9 // 16 - np.maximum(v, (abs(u) * 14 >> 4) - (v >> 1))


def _star(u: Ints, v: Ints, r: Ints) -> Ints:
    long, short = np.maximum(abs(u), abs(v)), np.minimum(abs(u), abs(v))
    return (r * 18 // 16 - long - 2 * short) >> 1


_SHAPES: tuple[Callable[[Ints, Ints, Ints], Ints], ...] = (
    lambda u, v, r: r * 15 // 16 - _root(u * u + v * v),
    lambda u, v, r: r * 3 // 16 - abs(_root(u * u + v * v) - r * 13 // 16),
    lambda u, v, r: r * 13 // 16 - np.maximum(abs(u), abs(v)),
    lambda u, v, r: r * 3 // 16 - abs(np.maximum(abs(u), abs(v)) - r * 11 // 16),
    _triangle,
    _cross,
    lambda u, v, r: np.minimum(r - abs(u), r * 5 // 16 - abs(v)),
    lambda u, v, r: r * 7 // 16 - _root((abs(u) - r * 9 // 16) ** 2 + v * v),
    _crescent,
    _star,
)


# Textures: how much of the ground's second colour, 0 to 16; the size is half a period.


def _ground(textures: Ints, random: np.random.RandomState) -> Ints:
    count = len(textures)
    u, v = _turned(_place(random, count, SIDE * SUB // 2), _ROW, _COLUMN)
    drawn = _by_kind(textures, _TEXTURES, u, v, _between(random, HALF_PERIOD, count))
    cells = random.randint(0, SUB + 1, (count, SIDE, SIDE)).astype(np.int32)
    for texture, cell in (("clouds", 4), ("grain", 2)):
        chosen = textures == TEXTURES.index(texture)
        corners = cells[chosen, : SIDE // cell, : SIDE // cell]
        drawn[chosen] = corners.repeat(cell, 1).repeat(cell, 2)
    return drawn


def _bands(along: Ints, half: Ints) -> Ints:
    """Hard-edged stripes, 0 and 16 in turn."""
    return (along // half & 1) * SUB


def _dots(u: Ints, v: Ints, half: Ints) -> Ints:
    return (
        _root((u % (2 * half) - half) ** 2 + (v % (2 * half) - half) ** 2) < half * 3 // 4
    ) * SUB


def _mesh(u: Ints, v: Ints, half: Ints) -> Ints:
    return (np.minimum(u % (2 * half), v % (2 * half)) < half * 3 // 4) * SUB


_TEXTURES: tuple[Callable[[Ints, Ints, Ints], Ints], ...] = (
    lambda u, v, half: np.clip((u >> 5) + SUB // 2, 0, SUB),
    lambda u, v, half: _bands(u, half * 3 // 5),
    lambda u, v, half: _bands(u, half * 7 // 5),
    lambda u, v, half: _bands(u, half) ^ _bands(v, half),
    _dots,
    lambda u, v, half: _bands(_root(u * u + v * v), half),
    _mesh,
    lambda u, v, half: _bands(u + abs(v % (4 * half) - 2 * half), half),
    lambda u, v, half: 0 * u,
    lambda u, v, half: 0 * u,
)
