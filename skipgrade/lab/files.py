"""The files of a run, and writing them so that a crash leaves the old or the new one, whole."""

import re
from pathlib import Path

from skipgrade.lab.errors import LabError

KINDS = ("best.safetensors", "last.safetensors", "resume.safetensors", "history.json")


def write_atomically(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.writing")
    beside.write_bytes(content)
    beside.replace(path)


def run_file(name: str, kind: str) -> Path:
    """Path of one of a run's files, in the current folder: the notebook's."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise LabError(f"name={name!r}: use letters, digits, dots and dashes; it names files.")
    return Path(f"{name}-{kind}")
