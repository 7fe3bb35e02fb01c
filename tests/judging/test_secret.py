"""Is everything that follows from the course's secret as strong as the secret, and the same
everywhere?"""

import hashlib
import stat
from pathlib import Path

import numpy as np
import pytest
import torch

from skipgrade import lab
from skipgrade.judging.judge.holdout import held_out
from skipgrade.judging.secret import drawing, read_secret, stream

# SHA-256 of the two texts of a pair begin with the same 32 bits, which is all that torch keeps of a
# seed, and all that orders and drawn images once followed from.
ALIKE = [("69235", "95303"), ("88277", "102584"), ("3897", "135277")]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKIPGRADE_DATASET", "builtin")


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_secrets_alike_in_their_first_32_bits_give_other_numbers(one: str, other: str) -> None:
    first, second = (hashlib.sha256(text.encode()).digest()[:4] for text in (one, other))
    assert first == second
    orders = [drawing(text, "order").permutation(1000) for text in (one, other)]
    assert int((orders[0] == orders[1]).sum()) < 20


def test_such_secrets_give_other_held_out_images(drawn: None) -> None:
    one, other = (held_out("cifar10", text, "") for text in ALIKE[0])
    same = (one[0] == other[0]).flatten(1).float().mean(1)
    assert float(same.max()) < 0.5, "the same image at the same place"
    assert float((one[1] == other[1]).float().mean()) < 0.2


def test_official_images_come_in_another_order_for_such_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbered = torch.arange(2000)
    monkeypatch.setattr(lab, "raw", lambda name, split: (numbered.view(-1, 1, 1, 1), numbered))
    (images, labels), (others, _) = (held_out("cifar10", text, "o") for text in ALIKE[1])
    assert torch.equal(images.flatten(), labels) and labels.sort().values.equal(numbered)
    assert int((images == others).sum()) < 20


def test_torch_keeps_32_bits_of_a_seed_and_the_stream_128() -> None:
    """Why torch.Generator draws nothing that is to stay secret."""
    low, high = (torch.Generator().manual_seed(seed) for seed in (5, 5 + (1 << 40)))
    assert torch.equal(torch.randperm(100, generator=low), torch.randperm(100, generator=high))
    keys = np.array([_key(stream(str(number), "bits")) for number in range(200)], np.uint64)
    bits = np.unpackbits(keys.view(np.uint8), axis=1)
    assert bits.shape == (200, 128)
    assert np.min(bits.mean(0)) > 0.3 and np.max(bits.mean(0)) < 0.7, "a bit that hardly changes"


def _key(random: np.random.RandomState) -> list[int]:
    state = random.get_state(legacy=False)
    return list(state["state"]["key"])


@pytest.mark.parametrize(
    ("text", "purpose"), [("a key", "other"), ("another", "order"), ("a key\norder", "")]
)
def test_purposes_and_texts_do_not_share_a_stream(text: str, purpose: str) -> None:
    assert _key(stream(text, purpose)) != _key(stream("a key", "order"))
    assert _key(stream("a", "b\nc")) != _key(stream("a\nb", "c"))


def test_the_same_numbers_on_every_machine() -> None:
    """Written down once: grading again, elsewhere and later, gives the same verdict."""
    random = stream("a key", "a purpose")
    assert random.randint(0, 1000, 6).tolist() == [719, 815, 917, 431, 228, 505]
    assert random.permutation(8).tolist() == [2, 5, 0, 6, 4, 3, 1, 7]
    assert random.standard_normal(2).round(6).tolist() == [-0.154392, -0.700352]


def test_what_a_drawing_gives() -> None:
    draw = drawing("a key", "values")
    normal, even = draw.randn(40, 50), draw.rand(2000)
    assert normal.shape == (40, 50) and normal.dtype == even.dtype == torch.float32
    assert abs(float(normal.mean())) < 0.1 and abs(float(normal.std()) - 1) < 0.1
    assert float(even.min()) >= 0 and float(even.max()) < 1
    assert abs(float(even.mean()) - 0.5) < 0.03
    whole = draw.randint(-2, 3, (500,))
    assert whole.dtype == torch.int64 and whole.unique().tolist() == [-2, -1, 0, 1, 2]
    assert draw.permutation(9).sort().values.tolist() == list(range(9))
    assert {draw.choice(["a", "b"]) for _ in range(30)} == {"a", "b"}
    assert draw.randn().shape == () and draw.randint(1, 2, ()).item() == 1


def test_one_drawing_goes_on_and_two_of_one_purpose_are_equal() -> None:
    one, again = drawing("a key", "values"), drawing("a key", "values")
    first = one.randn(5)
    assert torch.equal(first, again.randn(5))
    assert not torch.equal(first, one.randn(5))


def test_a_key_file_that_is_there_is_kept_and_a_new_one_is_strong(tmp_path: Path) -> None:
    path = tmp_path / "holdout.key"
    path.write_text("  a key of somebody's own\n")
    assert read_secret(path) == "a key of somebody's own"
    path.unlink()
    secret = read_secret(path)
    assert len(bytes.fromhex(secret)) == 16
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_secret(path) == secret
