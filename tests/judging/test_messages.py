"""What crosses between kernels: plain data whole, everything else not at all."""

from __future__ import annotations

import base64
import json
import math
import random
import time
from typing import Any

import pytest
import torch
from safetensors.torch import save

from skipgrade.judging.wire import messages
from skipgrade.judging.wire.codec import NotPlainDataError, decode, encode
from skipgrade.judging.wire.messages import BadMessageError, pack, unpack


def random_value(chance: random.Random, depth: int = 4) -> Any:
    plain = [
        None,
        True,
        False,
        chance.randint(-9, 9),
        chance.random(),
        "text é",
        math.inf,
        "",
        -0.0,
    ]
    if depth == 0 or chance.random() < 0.4:
        return chance.choice(plain)
    children = [random_value(chance, depth - 1) for _ in range(chance.randint(0, 4))]
    return chance.choice(
        [children, tuple(children), {f"k{i}": child for i, child in enumerate(children)}]
    )


def test_plain_data_survives_the_round_trip() -> None:
    chance = random.Random(0)
    for _ in range(300):
        value = random_value(chance)
        tree, tensors = encode(value)
        assert repr(decode(json.loads(json.dumps(tree)), tensors)) == repr(value)


@pytest.mark.parametrize("dtype", [torch.float64, torch.uint8, torch.int64, torch.bool])
def test_tensors_survive(dtype: torch.dtype) -> None:
    tensor = torch.arange(6).reshape(2, 3).t().to(dtype)
    back = unpack(pack({"a": [tensor, tensor[0]], "empty": torch.zeros(0, 3)}))
    assert torch.equal(back["a"][0], tensor) and back["a"][0].dtype is dtype
    assert torch.equal(back["a"][1], tensor[0]) and back["empty"].shape == (0, 3)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", open, [[object()]], {"a": object}])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(NotPlainDataError):
        encode(value)


def test_endless_nesting_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(NotPlainDataError, match="deep"):
        encode(loop)


@pytest.mark.parametrize(
    "tree",
    [
        {"tensor": "../../etc/passwd"},
        {"pickle": "gASV"},
        {"list": "text"},
        {"dict": [["a"]]},
        {"dict": [[{"list": []}, 1]]},
        {"float": "1e5"},
        {"a": 1, "b": 2},
        [1, 2],
    ],
)
def test_trees_encode_never_writes_are_refused(tree: Any) -> None:
    with pytest.raises(NotPlainDataError):
        decode(tree, {})


def junk(content: bytes) -> str:
    return base64.b64encode(content).decode()


def with_json(text: bytes, rest: bytes = b"") -> str:
    return junk(len(text).to_bytes(8, "big") + text + rest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no base64!",
        junk(b"\x80\x04junk"),
        with_json(b"[" * 100_000),
        with_json(b"{}"),
        with_json(b'{"tensor":"t0"}'),
        with_json(b'{"tensor":"t0"}', b"\xff" * 64),
        with_json(b'{"tensor":"t0"}', save({"t1": torch.zeros(2)})),
        junk((2**63).to_bytes(8, "big") + b"{}"),
        with_json(b"\xff\xfe"),
        pack([1, 2])[:-6],
        "é" * 40,
    ],
)
def test_hostile_answers_are_unreadable(text: str) -> None:
    with pytest.raises(BadMessageError):
        unpack(text)


def test_too_large_an_answer_is_neither_sent_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = pack("x" * 200)
    monkeypatch.setattr(messages, "JSON_LIMIT", 100)
    with pytest.raises(BadMessageError, match="more than"):
        unpack(text)
    with pytest.raises(NotPlainDataError, match="too much"):
        pack("x" * 200)
    monkeypatch.setattr(messages, "LIMIT", 100)
    with pytest.raises(BadMessageError, match="more than"):
        unpack(text)


def test_keys_made_to_collide_cost_no_time() -> None:
    """Numbers that hash alike make a dict slow; so many of them are not taken."""
    colliding = {(2**61 - 1) * number: None for number in range(20_000)}
    started = time.process_time()
    with pytest.raises((BadMessageError, NotPlainDataError)):
        unpack(pack(colliding))
    assert time.process_time() - started < 20
