"""Where computation happens, and what makes it repeatable."""

import ctypes
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch

from skipgrade.lab.retraining import moved

# Of glibc's mallopt, and the largest number it takes.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST = 2**31 - 1


def device() -> torch.device:
    """The GPU when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def cores() -> int:
    """How many cores this process may keep busy: those it may run on, and a container's share."""
    try:
        own = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        own = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(own, int(quota) // int(period)))
    except (OSError, ValueError):  # no limit ("max"), or nobody who could tell
        return own


def short_floats() -> torch.dtype | None:
    """The short float type this machine multiplies fastest, if it has hardware for one.

    On a GPU bfloat16 where it has that in hardware (no loss needs scaling then), else float16;
    bfloat16 on a CPU with matrix tiles (AMX), which trains a deep network two to four times as
    fast. A PyTorch too old to tell what the CPU has gets plain float32.
    """
    if device().type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability() >= (8, 0) else torch.float16
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if capabilities.get("amx_bf16") else None


@cache
def keep_freed_memory() -> bool:
    """Have the C library keep what is freed, for the next batch. Whether it could be told.

    Else glibc hands large feature maps back to the system after each batch, and gets them again
    page by page, filled with zeros: up to a quarter of a training's time on a CPU. Other C
    libraries are left as they are.
    """
    try:
        told = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return False
    return all(told(which, LARGEST) == 1 for which in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD))


@contextmanager
def deterministic() -> Iterator[None]:
    """Computations give the same numbers each time they are done, wherever torch has a way.

    It need not fill new memory with NaN for that, which it does if it is not told otherwise.
    """
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(before, warn_only=warned)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch (every device), so that a run can be repeated."""
    seed = moved(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def autograding() -> bool:
    """Is nbgrader grading this notebook? Then nothing trains and nothing is handed in.

    `nbgrader validate` is a Run All like any other.
    """
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"
