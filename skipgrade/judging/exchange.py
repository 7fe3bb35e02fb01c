"""The folder two kernels exchange questions and answers through: JSON and safetensors, no pickle.

One side of it is hostile. Whatever lies here is read without following links, only if it is an
ordinary file, and only up to a size.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from skipgrade.judging.codec import NotPlain, decode, encode

MEBIBYTE = 2**20
JSON_LIMIT = 16 * MEBIBYTE
TENSOR_LIMIT = 1024 * MEBIBYTE


class Unreadable(Exception):
    """A message that is missing, too large, not an ordinary file or not of the agreed form."""


def write_message(folder: Path, name: str, value: Any) -> None:
    """Leave `value` in the folder; the JSON comes last, so that a reader finds all or nothing."""
    tree, tensors = encode(value)
    if tensors:
        (folder / f"{name}.safetensors").write_bytes(save(tensors))
    message = {"tree": tree, "tensors": bool(tensors)}
    partial = folder / f"{name}.json.partial"
    partial.write_text(json.dumps(message, allow_nan=False))
    partial.replace(folder / f"{name}.json")


def read_message(folder: Path, name: str) -> Any:
    """Read what `write_message` left, and remove it."""
    try:
        message = json.loads(_read_plain_file(folder / f"{name}.json", JSON_LIMIT))
        tensors: dict[str, Tensor] = {}
        if message["tensors"] is True:
            tensors = load(_read_plain_file(folder / f"{name}.safetensors", TENSOR_LIMIT))
        return decode(message["tree"], tensors)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
        raise Unreadable(f"no readable answer ({type(error).__name__})") from error
    except NotPlain as error:
        raise Unreadable(str(error)) from error
    finally:
        for suffix in ("json", "safetensors"):
            _remove(folder / f"{name}.{suffix}")


def _read_plain_file(path: Path, limit: int) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not an ordinary file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Unreadable(f"an answer of more than {limit // MEBIBYTE} MiB")
    return content


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
