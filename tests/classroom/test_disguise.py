"""Are the final test's images altered as the docs say, and as hard to look up?"""

import hashlib
import itertools
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from skipgrade.classroom.disguise import (
    LIGHT,
    PUBLIC,
    Ints,
    Strength,
    _likest_of_another_class,
    _others_of_class,
    _spread,
    _squares,
    disguise,
)
from skipgrade.judging.secret import stream
from skipgrade.lab import builtin

NOTHING = Strength(shift=0, contrast=0, brightness=0, noise=0)


def drawn(count: int = 64) -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = builtin.draw(10, count, seed=2)
    return pixels.numpy(), labels.numpy()


def smooth(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Stand-ins for photographs: few large shades, in which images of any class are alike, and
    fine structure of their own."""
    random = np.random.RandomState(5)
    across = np.arange(8) - 3.5
    waves = [np.cos(n * np.pi * (across + 4) / 8) for n in range(3)]
    patterns = np.stack([np.outer(one, other) for one in waves for other in waves])
    few = random.randint(-30, 31, (count, 9, 3))
    corners = 128 + np.einsum("nkc,kyx->nyxc", few, patterns)
    image = _spread(corners.astype(np.int32)) + random.randint(-40, 41, (count, 32, 32, 3))
    pixels = np.clip(image, 0, 255).astype(np.uint8).transpose(0, 3, 1, 2)
    return pixels, np.arange(count) % 10


def found(altered: np.ndarray, public: np.ndarray, labels: np.ndarray) -> float:
    """The share of labels a search for the nearest 8 by 8 colours gets, mirrored images too."""
    known = F.adaptive_avg_pool2d(torch.from_numpy(public).float(), 8).flatten(1)
    asked = F.adaptive_avg_pool2d(torch.from_numpy(altered).float(), 8)
    both = torch.stack([torch.cdist(one.flatten(1), known) for one in (asked, asked.flip(3))])
    return float((labels[both.amin(0).argmin(1).numpy()] == labels).mean())


def test_light_alterations_move_little() -> None:
    pixels, labels = drawn()
    out = torch.from_numpy(disguise(pixels, labels, np.random.RandomState(0), LIGHT)).int()
    padded = F.pad(torch.from_numpy(pixels).float(), [LIGHT.shift] * 4, mode="reflect").int()
    width = 2 * LIGHT.shift + 1
    nearest = torch.full((64,), 1e9)
    for row, column in itertools.product(range(width), range(width)):
        window = padded[:, :, row : row + 32, column : column + 32]
        for candidate in (window, window.flip(3)):
            nearest = nearest.minimum((candidate - out).abs().float().amax((1, 2, 3)))
    most = LIGHT.noise + LIGHT.brightness + 128 * LIGHT.contrast / 1024 + 1
    assert float(nearest.max()) <= most


def test_the_same_bytes_on_every_machine() -> None:
    """Written down once: the labels kept in a course must go on fitting what its key gives."""
    pixels, labels = drawn()
    out = disguise(pixels, labels, stream("a key", "pack"), PUBLIC)
    assert out.dtype == np.uint8 and out.shape == pixels.shape and out.flags.c_contiguous
    assert (
        hashlib.sha256(out.tobytes()).hexdigest()
        == "7b4304f1dbeed3fd3fcc679f6add41a83903d57c415873e57479363d45cd8eb2"
    )


def test_two_streams_alter_every_image_in_two_ways() -> None:
    pixels, labels = drawn()
    one, other = (disguise(pixels, labels, stream(key, "pack"), PUBLIC) for key in ("a", "b"))
    for first, second in ((pixels, one), (pixels, other), (one, other)):
        assert (first != second).any((1, 2, 3)).all()


def test_an_image_is_mixed_with_another_of_its_class_alone() -> None:
    labels = np.arange(60) % 10
    others = _others_of_class(labels, np.random.RandomState(0))
    assert (labels[others] == labels).all() and (others != np.arange(60)).all()
    assert sorted(others) == list(range(60)), "each is used once"
    alone = _others_of_class(np.arange(5), np.random.RandomState(0))
    assert alone.tolist() == [0, 1, 2, 3, 4], "the only one of its class stays as it is"


def test_shades_come_from_the_likest_image_of_another_class() -> None:
    _, labels = smooth(200)
    squares: Ints = np.random.RandomState(1).randint(0, 256, (200, 8, 8, 3)).astype(np.int32)
    likest = _likest_of_another_class(squares[:20], labels[:20], squares, labels)
    assert (labels[likest] != labels[:20]).all()
    for number, chosen in enumerate(likest):
        distance = ((squares - squares[number]) ** 2).sum((1, 2, 3))
        distance[labels == labels[number]] = distance.max() + 1
        assert chosen == distance.argmin()


def test_decoys_change_shades_by_their_share_and_leave_what_is_fine() -> None:
    pixels, labels = smooth(100)
    half = Strength(decoy=512, shift=0, contrast=0, brightness=0, noise=0)
    plain, out = (
        disguise(pixels, labels, np.random.RandomState(3), how).transpose(0, 2, 3, 1).astype(int)
        for how in (NOTHING, half)
    )
    own = _squares(plain)
    decoys = _squares(pixels.transpose(0, 2, 3, 1).astype(np.int32))
    decoys = decoys[_likest_of_another_class(own, labels, decoys, labels)]
    expected = plain + (_spread(decoys - own) * 512 >> 10)
    inside = (expected >= 0) & (expected <= 255)
    assert (out[inside] == expected[inside]).all()


def test_decoys_lead_a_search_astray() -> None:
    """How far on photographs, bench/pack.py measures."""
    pixels, labels = smooth(1000)
    light, decoyed = (
        found(disguise(pixels, labels, stream("a key", "pack"), how), pixels, labels)
        for how in (LIGHT, replace(LIGHT, decoy=512))
    )
    assert light > 0.95 and decoyed < 0.7, (light, decoyed)


def test_spread_squares_run_evenly_from_middle_to_middle() -> None:
    ramp = np.broadcast_to(np.arange(8, dtype=np.int32)[None, None, :, None] * 80, (1, 8, 8, 3))
    row = _spread(ramp)[0, 5, :, 0]
    assert row[:2].tolist() == [0, 0] and row[-2:].tolist() == [560, 560]
    assert set(np.diff(row[2:-2])) == {20}
