"""[grader] Where nbgrader keeps the notebooks that belong to the one being converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def source_path(converter: Any, resources: Any) -> Path:
    """The instructor's notebook."""
    return _path(converter, resources, converter.coursedir.source_directory)


def released_path(converter: Any, resources: Any) -> Path:
    """The notebook as students got it."""
    return _path(converter, resources, converter.coursedir.release_directory)


def _path(converter: Any, resources: Any, directory: str) -> Path:
    names = resources["nbgrader"]
    folder = converter.coursedir.format_path(directory, ".", names["assignment"])
    return Path(folder, f"{names['notebook']}.ipynb").resolve()
