"""What crosses between kernels: plain data whole, everything else not at all."""

from __future__ import annotations

import json
import math
import os
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from skipgrade.judging import exchange
from skipgrade.judging.codec import NotPlain, decode, encode
from skipgrade.judging.exchange import Unreadable, read_message, write_message


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
def test_tensors_survive(tmp_path: Path, dtype: torch.dtype) -> None:
    tensor = torch.arange(6).reshape(2, 3).t().to(dtype)
    write_message(tmp_path, "m", {"a": [tensor, tensor[0]], "empty": torch.zeros(0, 3)})
    back = read_message(tmp_path, "m")
    assert torch.equal(back["a"][0], tensor) and back["a"][0].dtype is dtype
    assert torch.equal(back["a"][1], tensor[0]) and back["empty"].shape == (0, 3)
    assert list(tmp_path.iterdir()) == [], "a message is gone once it is read"


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", open, [[object()]], {"a": object}])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(NotPlain):
        encode(value)


def test_endless_nesting_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(NotPlain, match="deep"):
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
    with pytest.raises(NotPlain):
        decode(tree, {})


def hostile(folder: Path, what: str) -> None:
    target = folder / "m.json"
    if what == "link":
        (folder / "secret").write_text('{"tree": "secret", "tensors": false}')
        target.symlink_to(folder / "secret")
    elif what == "pipe":
        os.mkfifo(target)
    elif what == "folder":
        target.mkdir()
    elif what == "junk":
        target.write_bytes(b"\x80\x04junk")
    elif what == "deep":
        target.write_text("[" * 100_000)
    elif what == "no fields":
        target.write_text("{}")
    elif what == "no tensors":
        target.write_text('{"tree": 1, "tensors": true}')
    elif what == "bad tensors":
        target.write_text('{"tree": 1, "tensors": true}')
        (folder / "m.safetensors").write_bytes(b"\xff" * 64)


@pytest.mark.parametrize(
    "what",
    ["nothing", "link", "pipe", "folder", "junk", "deep", "no fields", "no tensors", "bad tensors"],
)
def test_hostile_answers_are_unreadable_and_do_not_block(tmp_path: Path, what: str) -> None:
    hostile(tmp_path, what)
    with pytest.raises(Unreadable):
        read_message(tmp_path, "m")


def test_too_large_an_answer_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "JSON_LIMIT", 100)
    write_message(tmp_path, "m", "x" * 200)
    with pytest.raises(Unreadable, match="more than"):
        read_message(tmp_path, "m")
