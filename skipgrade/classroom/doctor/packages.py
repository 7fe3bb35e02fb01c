"""Python and the packages: there, as declared, and do they load?"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from typing import Any

from skipgrade.classroom.doctor.finding import Finding, State

PART = "packages"
OURS = "skipgrade"
PYTHON = "Name another Python: `make install PYTHON=/path/to/python3`."
INSTALL = "`make install` in a clone, or `pip install 'skipgrade[staff]'`."
# In a process of its own: a torch that does not fit the machine may end it.
TORCH = """
import json, torch, torchvision
from torchvision.ops import nms
box = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
assert nms(box, torch.ones(1), 0.5).tolist() == [0], "torchvision is of another torch"
gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
print(json.dumps([torch.__version__, torchvision.__version__, gpu, torch.version.cuda]))
"""
NBGRADER = "import json, nbgrader.converters; print(json.dumps(nbgrader.__version__))"
AT_ONCE = "import os, sys; sys.stdout.flush(); os._exit(0)"  # without a last look for garbage

finding = partial(Finding, PART)


class ImportFailedError(Exception):
    """A package that is missing or broken."""


def examine() -> Iterator[Finding]:
    yield from (_python(), _declared(), *_torch(), _nbgrader())


def _python() -> Finding:
    from packaging.specifiers import SpecifierSet

    wanted = metadata.metadata(OURS)["Requires-Python"]
    version, where = platform.python_version(), sys.executable
    if version in SpecifierSet(wanted):
        return finding("Python", State.OK, f"{version}, {where}")
    return finding("Python", State.FIX, f"{version}, {where}; needed is {wanted}", PYTHON)


def _declared() -> Finding:
    """Is everything there that skipgrade says it needs, in versions it says will do?"""
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in metadata.requires(OURS) or []]
    wanted = [one for one in wanted if not one.marker or one.marker.evaluate({"extra": "staff"})]
    trouble = []
    for one in wanted:
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            trouble.append(f"{one.name} is missing")
            continue
        if version not in one.specifier:
            trouble.append(f"{one.name} is {version}, needed is {one.specifier}")
    if trouble:
        return finding("versions", State.FIX, "; ".join(trouble), INSTALL)
    return finding("versions", State.OK, f"{len(wanted)} packages, as declared")


def _torch() -> Iterator[Finding]:
    try:
        torch, torchvision, gpu, cuda = _told_by(TORCH)
    except ImportFailedError as error:
        yield finding("torch", State.FIX, f"does not load: {error}", f"Install it again: {INSTALL}")
        return
    yield finding("torch", State.OK, f"{torch}, with torchvision {torchvision}")
    none = "none; grading needs none, training is slow without"
    yield finding("GPU", State.OK, f"{gpu} (CUDA {cuda})" if gpu else none)


def _nbgrader() -> Finding:
    try:
        return finding("nbgrader", State.OK, str(_told_by(NBGRADER)))
    except ImportFailedError as error:
        return finding("nbgrader", State.FIX, f"does not load: {error}", f"Install it: {INSTALL}")


def _told_by(code: str) -> Any:
    """What the code prints, read as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{AT_ONCE}"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    if done.returncode < 0:
        raise ImportFailedError(f"it ends Python with signal {-done.returncode}")
    raise ImportFailedError((done.stderr.splitlines() or ["no reason was given"])[-1])
