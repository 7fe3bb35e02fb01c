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


class BadMessageError(Exception):
    """A message that is missing, too large, or not of the agreed form."""


def pack(value: Any) -> str:
    """`value` as text; `NotPlainDataError` if it is not plain data, or too much of it."""
    tree, tensors = encode(value)
    text = json.dumps(tree, allow_nan=False, separators=(",", ":")).encode()
    content = len(text).to_bytes(LENGTH, "big") + text + (save(tensors) if tensors else b"")
    if len(text) > JSON_LIMIT or len(content) * 4 > LIMIT * 3 - 4096:
        raise NotPlainDataError(f"{len(content) // MEBIBYTE} MiB are too much for an answer")
    return base64.b64encode(content).decode()


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
