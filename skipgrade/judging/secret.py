"""[grader, judge's kernel] The course's secret, and the random numbers that follow from it.
Imports neither NumPy nor torch until numbers are drawn.

torch keeps 32 bits of any seed, and a number given to NumPy's RandomState has no more: whoever
sees something that was drawn can try all of them in days. Here 128 bits of SHA-256 are the key of
NumPy's Philox stream.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from numpy.random import RandomState
    from torch import Tensor

KEY_BYTES = 16  # what Philox takes; as many as `read_secret` draws

T = TypeVar("T")


def read_secret(path: Path) -> str:
    """The course's secret; drawn, once, where there is none yet.

    Several graders may find it missing at the same moment; the first to link its draft wins.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(16) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


def mark_of(secret: str, student: str) -> str:
    """What marks one student's histories; see `watermark`."""
    return hashlib.sha256(f"{secret}\nwatermark\n{student}".encode()).hexdigest()


def stream(text: str, purpose: str) -> RandomState:
    """Random numbers for one purpose, the same on every machine for the same text.

    Each purpose has a key of its own: what is seen of one stream tells nothing of another. The
    legacy methods of RandomState are frozen, on whatever bits they stand.
    """
    import numpy as np

    length = len(text.encode())  # no text and purpose run into those of another pair
    digest = hashlib.sha256(f"{length}\n{text}\n{purpose}".encode()).digest()
    key = int.from_bytes(digest[:KEY_BYTES], "big")
    return np.random.RandomState(np.random.Philox(key=key))


class Drawing:
    """One stream as torch tensors and plain values, one draw after the other."""

    def __init__(self, random: RandomState) -> None:
        self._random = random

    def randn(self, *shape: int) -> Tensor:
        """Normal numbers, float32."""
        return _tensor(self._random.standard_normal(shape), "float32")

    def rand(self, *shape: int) -> Tensor:
        """Numbers from 0 to below 1, float32."""
        return _tensor(self._random.randint(0, 1 << 24, shape) / (1 << 24), "float32")

    def randint(self, low: int, high: int, shape: Sequence[int]) -> Tensor:
        """Whole numbers from `low` to below `high`, int64."""
        return _tensor(self._random.randint(low, high, tuple(shape), dtype="int64"), "int64")

    def permutation(self, count: int) -> Tensor:
        """The numbers 0 to count - 1 in any order, int64."""
        return _tensor(self._random.permutation(count), "int64")

    def choice(self, values: Sequence[T]) -> T:
        """One of the values."""
        return values[int(self._random.randint(len(values)))]


def drawing(text: str, purpose: str) -> Drawing:
    """What is drawn for one purpose from a text that holds the course's secret."""
    return Drawing(stream(text, purpose))


def _tensor(numbers: Any, dtype: str) -> Tensor:
    import numpy as np
    import torch

    return torch.from_numpy(np.asarray(numbers).astype(dtype))
