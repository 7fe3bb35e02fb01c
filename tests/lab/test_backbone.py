"""Is there a pretrained ResNet-18 to start from, with a network and without, and does it help?"""

import hashlib
import subprocess
import sys
import urllib.error
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision.models import _api, resnet18

from skipgrade import lab
from skipgrade.lab import builtin
from skipgrade.lab import pretrained as backbones


def test_the_lab_is_imported_without_torchvision() -> None:
    """That takes as long as torch itself, and few processes need it."""
    told = "import sys, skipgrade.lab; print([m for m in sys.modules if m.startswith('torchv')])"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and a pretraining that takes no time and counts its calls."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.setattr(backbones, "pretrain", _quick)
    _quick.calls = 0
    return folder


class _Quick:
    """In the place of a pretraining: random weights, and a count of how often it was asked."""

    calls = 0

    def __call__(self):
        self.calls += 1
        return resnet18(weights=None, num_classes=100)


_quick = _Quick()


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """The official weights are wanted, are not here, and there is no network."""

    def refuse(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(_api, "load_state_dict_from_url", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("SKIPGRADE_DATASET")


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_without_a_network_the_error_names_the_file_and_two_ways_out(offline, tmp_path):
    with pytest.raises(lab.LabError) as error:
        lab.backbone()
    for part in (
        "https://download.pytorch.org/models/resnet18-f37072fd.pth",
        "no route to host",
        str(tmp_path / "torch" / "hub" / "checkpoints"),
        "SKIPGRADE_DATASET=builtin",
        "SKIPGRADE_BACKBONE=builtin",
    ):
        assert part in str(error.value)


def test_a_damaged_download_is_refused_in_the_same_words(offline, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("invalid hash value")

    monkeypatch.setattr(_api, "load_state_dict_from_url", broken)
    with pytest.raises(lab.LabError, match="invalid hash value"):
        lab.backbone()


def test_official_weights_come_through_the_weights_api(offline, monkeypatch):
    weights = resnet18(weights=None).state_dict()
    asked = []

    def deliver(url, **options):
        asked.append((url, options.get("check_hash")))
        return weights

    monkeypatch.setattr(_api, "load_state_dict_from_url", deliver)
    model = lab.backbone()
    assert asked == [(backbones.WEIGHTS.url, True)]
    assert torch.equal(model.conv1.weight, weights["conv1.weight"])


def test_the_backbone_goes_with_the_images_unless_it_is_named(cache, offline, monkeypatch):
    monkeypatch.setenv("SKIPGRADE_BACKBONE", "builtin")
    assert lab.backbone().fc.out_features == 100
    monkeypatch.setenv("SKIPGRADE_DATASET", "builtin")
    monkeypatch.delenv("SKIPGRADE_BACKBONE")
    assert lab.backbone().fc.out_features == 100
    monkeypatch.setenv("SKIPGRADE_BACKBONE", "imagenet")
    with pytest.raises(lab.LabError, match="You can:"):
        lab.backbone()
    monkeypatch.setenv("SKIPGRADE_BACKBONE", "resnet50")
    with pytest.raises(lab.LabError, match="'resnet50'"):
        lab.backbone()


def test_pretraining_happens_once_and_is_kept(cache):
    first, second = lab.backbone(), lab.backbone()
    assert _quick.calls == 1
    assert same(first, second)
    assert len(list((cache / "skipgrade").iterdir())) == 1  # and nothing half-written


def test_another_recipe_is_another_file(cache, monkeypatch):
    lab.backbone()
    monkeypatch.setattr(backbones, "RATE", 0.5)
    lab.backbone()
    assert _quick.calls == 2


def test_a_damaged_or_unwritable_cache_is_named(cache, monkeypatch):
    lab.backbone()
    (path,) = (cache / "skipgrade").iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(lab.LabError, match=f"{path.name} is damaged"):
        lab.backbone()
    (cache / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "file"))
    with pytest.raises(lab.LabError, match="XDG_CACHE_HOME"):
        lab.backbone()


@pytest.mark.parametrize("dataset", ["builtin", "official"])
def test_while_grading_it_costs_nothing(cache, offline, monkeypatch, dataset):
    """Handed-in weights are about to be loaded: neither a network nor a cache is needed."""
    monkeypatch.setenv("SKIPGRADE_DATASET", dataset)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert lab.backbone().fc.in_features == 512
    assert _quick.calls == 0 and not cache.exists()


def test_pretraining_is_repeatable_and_leaves_other_random_numbers_alone():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first, second = backbones.pretrain(64), backbones.pretrain(64)
    assert same(first, second)
    assert torch.equal(torch.get_rng_state(), state)
    assert not same(first, backbones.pretrain(32))


def test_only_the_published_file_counts_as_published(offline, tmp_path, monkeypatch):
    assert backbones.published() is None
    path = tmp_path / "torch" / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    path.parent.mkdir(parents=True)
    torch.save({"conv1.weight": torch.ones(2)}, path)
    assert backbones.published() is None
    monkeypatch.setattr(backbones, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    found = backbones.published()
    assert found and torch.equal(found["conv1.weight"], torch.ones(2))
    monkeypatch.setenv("SKIPGRADE_BACKBONE", "builtin")  # then it is not what students start from
    assert backbones.published() is None


def _after_two_epochs(model: nn.Module, name: str, rate: float) -> float:
    """Test accuracy on the ten shapes after two epochs on 1,000 of them."""
    pixels, labels = builtin.draw(10, 1_600, seed=5)
    sets = TensorDataset(backbones.prepared(pixels), labels)
    train, val, test = torch.utils.data.random_split(
        sets, [1_000, 100, 500], generator=torch.Generator().manual_seed(0)
    )
    model.fc = nn.Linear(512, 10)
    lab.fit(
        model,
        (DataLoader(train, 32, shuffle=True), DataLoader(val, 100)),
        name=name,
        epochs=2,
        optimizer=lambda parameters: torch.optim.Adam(parameters, lr=rate),
    )
    return lab.evaluate(model, DataLoader(test, 100))[1]


def test_transfer_helps():
    """1,000 images, two epochs: the builtin backbone against the same network from scratch."""
    lab.seed_everything(0)
    pretrained = lab.backbone().requires_grad_(False)
    pretrained.layer4.requires_grad_(True)
    transferred = _after_two_epochs(pretrained, "transferred", 5e-4)
    scratch = _after_two_epochs(resnet18(weights=None), "scratch", 1e-3)
    print(f"transferred {transferred:.1%}, from scratch {scratch:.1%}")
    assert transferred > scratch + 0.08
