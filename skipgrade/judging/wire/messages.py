"""[judge's kernel, student's kernel] What two kernels tell each other: one text for each message.

A text travels in Jupyter's own messages, over the channels the kernel has anyway; nothing is
written to a disk that both can reach. It holds JSON and safetensors, no pickle, and the reader
accepts only what the writer can have written.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from skipgrade.judging.wire.codec import NotPlainDataError, decode, encode

MEBIBYTE = 2**20
LIMIT = 15 * MEBIBYTE  # of a message, which the sandbox lets out up to 16; under 9 are needed
JSON_LIMIT = 8 * MEBIBYTE
LENGTH = 8  # bytes that say how long the JSON is
ENTRY = 200  # bytes that safetensors needs for a tensor, at most


class BadMessageError(Exception):
    """A message that is missing, too large or malformed."""


def pack(value: Any) -> str:
    """`value` as text; `NotPlainDataError` if it is not plain data, or too much of it."""
    text, tensors = _encoded(value)
    content = len(text).to_bytes(LENGTH, "big") + text + (save(tensors) if tensors else b"")
    return base64.b64encode(content).decode()


def plain(value: Any) -> Any:
    """What arrives where `value` is sent, with the same errors."""
    text, tensors = _encoded(value)
    return decode(json.loads(text), tensors)


def _encoded(value: Any) -> tuple[bytes, dict[str, Tensor]]:
    tree, tensors = encode(value)
    text = json.dumps(tree, allow_nan=False, separators=(",", ":")).encode()
    # In safetensors each tensor has its name, type and place before it.
    size = len(text) + sum(tensor.nbytes + ENTRY for tensor in tensors.values())
    if len(text) > JSON_LIMIT or size * 4 > LIMIT * 3 - 4096:
        raise NotPlainDataError(f"{size // MEBIBYTE} MiB are too much for an answer")
    return text, tensors


def unpack(text: str) -> Any:
    """The value in a text that `pack` wrote; `Unreadable` for any other."""
    if len(text) > LIMIT:
        raise BadMessageError(f"an answer of more than {LIMIT // MEBIBYTE} MiB")
    try:
        content = base64.b64decode(text, validate=True)
        size = int.from_bytes(content[:LENGTH], "big")
        if size > JSON_LIMIT:
            raise BadMessageError(f"an answer of more than {JSON_LIMIT // MEBIBYTE} MiB of JSON")
        tree = json.loads(content[LENGTH : LENGTH + size])
        rest = content[LENGTH + size :]
        tensors: dict[str, Tensor] = load(rest) if rest else {}
        return decode(tree, tensors)
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadMessageError(f"no readable answer ({type(error).__name__})") from error
    except SafetensorError as error:
        raise BadMessageError("no readable answer (damaged tensors)") from error
    except NotPlainDataError as error:
        raise BadMessageError(str(error)) from error
