"""[judge's kernel] Images whose labels only the judge has."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from skipgrade import lab
from skipgrade.judging.secret import drawing, stream
from skipgrade.lab import builtin
from skipgrade.lab.pack import FILE as PACK_FILE

HELD_OUT_IMAGES = 2_000
PACK = "pack"
LABELS_FILE = "holdout-labels.safetensors"
BUILD = "Run `skipgrade holdout build`"


class HoldoutError(RuntimeError):
    """The course's own final test is not in order; no submission is to pay for that."""


def write_labels(path: Path, labels: Tensor, fingerprint: str) -> None:
    """The labels of a pack's images, and which pack they belong to. For the judge alone."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    save_file({"labels": labels.contiguous()}, path, metadata={"fingerprint": fingerprint})


def final_test(labels_file: Path, pack_file: Path) -> tuple[Tensor, Tensor]:
    """The images of the students' pack and their labels; the two files must belong together."""
    try:
        pack = lab.open_pack(pack_file)
    except lab.LabError as error:
        raise HoldoutError(f"{error} {BUILD} in the course to make it.") from error
    if not labels_file.is_file():
        raise HoldoutError(f"{labels_file} is missing. {BUILD} with the course's holdout.key.")
    try:
        with safe_open(labels_file, framework="pt") as file:
            fingerprint = (file.metadata() or {}).get("fingerprint")
            labels = file.get_tensor("labels")
    except SafetensorError as error:
        raise HoldoutError(f"{labels_file} is damaged ({error}). {BUILD} again.") from error
    if fingerprint != pack.fingerprint:
        raise HoldoutError(
            f"{labels_file} does not belong to {pack_file}: they come from different builds. "
            "Put back the pair that students work with."
        )
    return pack.images, labels


@functools.cache
def held_out(name: str, secret: str, course: str) -> tuple[Tensor, Tensor]:
    """Raw images and labels of data set `name`, in an order (and, where they are drawn, with
    images) that follow from the course's secret and nothing else. Or, for "pack", those of the
    final test: the pack lies next to the notebook, the labels in the folder `course`."""
    if name == PACK:
        return final_test(Path(course, LABELS_FILE), Path(PACK_FILE))
    if os.environ.get("SKIPGRADE_DATASET") == "builtin":
        random = stream(secret, f"held-out images of {name}")
        images, labels = builtin.draw(100 if name == "cifar100" else 10, HELD_OUT_IMAGES, random)
    else:
        images, labels = lab.raw(name, "test")
    order = drawing(secret, f"order of the held-out images of {name}").permutation(len(labels))
    return images[order], labels[order]


def open_images(name: str) -> tuple[Tensor, Tensor]:
    """The ordinary test split, for a notebook that tries its own hidden tests. Of the final test,
    the labels of the course in whose folder the notebook lies."""
    if name == PACK:
        here = Path.cwd()
        course = next((up for up in here.parents if (up / LABELS_FILE).is_file()), here)
        return final_test(course / LABELS_FILE, here / PACK_FILE)
    return lab.raw(name, "test")
