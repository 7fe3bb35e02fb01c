"""Folders in each other that no path can name."""

import os
from pathlib import Path


def nest(folder: Path, depth: int) -> None:
    """Deeper than a path can be long: one step at a time."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
