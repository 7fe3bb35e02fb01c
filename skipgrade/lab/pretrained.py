"""A pretrained ResNet-18 to start from: ImageNet's weights, or some trained on drawn images.

The second kind needs no download. It is trained once, on first use, and kept in a cache folder.
"""

import hashlib
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import functional as F
from torchvision.models import ResNet18_Weights, resnet18
from torchvision.models.resnet import ResNet

from skipgrade.lab import builtin, data
from skipgrade.lab.checkpoint import weights_of
from skipgrade.lab.errors import LabError
from skipgrade.lab.machine import autograding, device, keep_freed_memory
from skipgrade.lab.progress import Progress
from skipgrade.lab.retraining import retraining
from skipgrade.lab.schedules import one_cycle
from skipgrade.lab.steps import LabStep

WEIGHTS = ResNet18_Weights.IMAGENET1K_V1
SHA256 = "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec"
CLASSES, SIDE = 100, 64
IMAGES, BATCH, RATE, SEED = 16_000, 32, 1.2e-3, 1


def resnet() -> ResNet:
    """See `lab.backbone`."""
    chosen = _chosen()
    if autograding() and not retraining():
        return resnet18(weights=None)
    return _imagenet() if chosen == "imagenet" else _builtin()


def published() -> dict[str, Tensor] | None:
    """The ImageNet weights, if they are in force and lie in torch's cache; never downloads."""
    path = _downloaded_to()
    if _chosen() != "imagenet" or not path.is_file():
        return None
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        return None
    return dict(torch.load(path, weights_only=True, map_location="cpu"))


def _chosen() -> str:
    drawn = data.source() == "builtin"
    chosen = os.environ.get("SKIPGRADE_BACKBONE") or ("builtin" if drawn else "imagenet")
    if chosen not in ("imagenet", "builtin"):
        raise LabError(
            f"SKIPGRADE_BACKBONE is {chosen!r}: use 'imagenet' or 'builtin', or unset it to let it "
            "go with the images."
        )
    return chosen


def _imagenet() -> ResNet:
    try:
        return resnet18(weights=WEIGHTS)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise LabError(
            f"The ImageNet weights of ResNet-18 could not be downloaded from\n{WEIGHTS.url}\n"
            f"  ({error})\nYou can:\n"
            f"  1. get the file: connect to the internet and run this cell again, or put "
            f"{_downloaded_to().name} (45 MB) into {_downloaded_to().parent};\n"
            f"  2. work without it: set SKIPGRADE_DATASET=builtin (in a notebook: "
            f"%env SKIPGRADE_DATASET=builtin, before loading), which swaps in drawn images and a "
            f"ResNet-18 pretrained on such images; SKIPGRADE_BACKBONE=builtin swaps the ResNet-18 "
            f"alone."
        ) from error


def _downloaded_to() -> Path:
    return Path(torch.hub.get_dir(), "checkpoints", Path(WEIGHTS.url).name)


def _builtin() -> ResNet:
    path = _cache_file()
    if not path.is_file():
        _keep(path, weights_of(pretrain()))
    model = resnet18(weights=None, num_classes=CLASSES)
    try:
        model.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise LabError(f"{path} is damaged ({error}). Delete it and run this again.") from error
    return model


def _cache_file() -> Path:
    """Its name changes with the recipe and with the way images are drawn."""
    pixels, labels = builtin.draw(CLASSES, 20, SEED)
    recipe = (CLASSES, SIDE, IMAGES, BATCH, RATE, SEED)
    content = f"{recipe} {pixels.tolist()} {labels.tolist()}"
    fingerprint = hashlib.sha256(content.encode()).hexdigest()[:12]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "skipgrade"
    return folder / f"resnet18-builtin-{fingerprint}.safetensors"


def _keep(path: Path, weights: dict[str, Tensor]) -> None:
    """Whole or not at all, also when two processes come here at once."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(save(weights))
        Path(file.name).replace(path)
    except OSError as error:
        raise LabError(
            f"{path} cannot be written ({error}). Set XDG_CACHE_HOME to a folder that can."
        ) from error


def pretrain(images: int = IMAGES) -> ResNet:
    """A ResNet-18 that has seen `images` drawn images, each of them once; about two minutes."""
    print(
        "Pretraining a ResNet-18 on drawn images: about two minutes on a CPU, and only this once.",
        flush=True,
    )
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        return _pretrained(images)


def _pretrained(images: int) -> ResNet:
    steps = images // BATCH
    pixels, labels = builtin.draw(CLASSES, steps * BATCH, SEED)
    keep_freed_memory()
    model = resnet18(weights=None, num_classes=CLASSES).to(device()).train()
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    schedule = one_cycle(RATE)(optimizer, steps)
    step = LabStep()
    with Progress("pretraining", steps=steps, done=0) as progress:
        for start in range(0, len(labels), BATCH):
            batch = prepared(pixels[start : start + BATCH].to(device()))
            loss = step(model, batch, labels[start : start + BATCH].to(device()), _loss, optimizer)
            schedule.step()
            progress.step(float(loss))
    return model.cpu()


def prepared(pixels: Tensor, side: int = SIDE) -> Tensor:
    """Bytes to what the network is trained on: ImageNet's normalisation, enlarged."""
    shown: Any = WEIGHTS.transforms()
    mean = torch.tensor(shown.mean, device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(shown.std, device=pixels.device).view(1, 3, 1, 1)
    return F.interpolate((pixels.float() / 255 - mean) / std, size=side, mode="nearest")


def _loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy over the 100 classes, and over what they are made of: shape and texture.

    The network sees each image once, so it had better be told all there is to know of it.
    """
    textures = len(builtin.TEXTURES)
    table = scores.view(len(scores), -1, textures)
    shape, texture = table.logsumexp(2), table.logsumexp(1)
    return (
        F.cross_entropy(scores, labels)
        + F.cross_entropy(shape, labels // textures)
        + F.cross_entropy(texture, labels % textures)
    )
