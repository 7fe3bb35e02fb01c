"""Where computation happens, and what makes it repeatable."""

import os
import random

import numpy as np
import torch


def device() -> torch.device:
    """The GPU when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch (every device), so that a run can be repeated."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def autograding() -> bool:
    """Is nbgrader executing this notebook? Then nothing trains and nothing is handed in."""
    return bool(os.environ.get("NBGRADER_EXECUTION"))
