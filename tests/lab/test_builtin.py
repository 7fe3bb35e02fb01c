"""Is the drawn set the same everywhere, and does it tell a good model from a bad one?"""

import hashlib
import time

import pytest
import torch
from torch import nn
from torch.optim import SGD

from skipgrade import lab
from skipgrade.lab import builtin


def lenet5(activation: type[nn.Module]) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), activation(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), activation(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), activation(), nn.Linear(120, 84), activation(), nn.Linear(84, 10),
    )  # fmt: skip


def accuracy_of(model: nn.Module, epochs: int, rate: float, name: str) -> float:
    data = lab.load("cifar10", batch_size=64)
    lab.fit(
        model,
        data,
        name=name,
        epochs=epochs,
        schedule=lab.cosine,
        optimizer=lambda p: SGD(p, lr=rate, momentum=0.9, weight_decay=5e-4),
    )
    return lab.evaluate(model, data.test)[1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """LeNet-5 as assignment 01 trains it, and the CPU seconds that took."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("trained"))
        patch.setenv("SKIPGRADE_DATASET", "builtin")
        torch.set_num_threads(1)
        model = lenet5(nn.ReLU)
        started = time.process_time()
        accuracy = accuracy_of(model, 12, 0.02, "lenet5")
        return model, accuracy, time.process_time() - started


@pytest.mark.parametrize(
    ("name", "split", "digest"),
    [
        ("cifar10", "train", "4d5bcfa08f425f8f"),
        ("cifar10", "test", "347d01e49b71ca48"),
        ("cifar100", "train", "11a638d25b6408ea"),
        ("cifar100", "test", "2be00bf759169ca0"),
    ],
)
def test_the_drawn_images_are_the_same_on_every_machine(name, split, digest):
    """The kept weights of the sample class and the thresholds hold for these bytes alone."""
    pixels, labels = lab.raw(name, split)
    content = pixels.numpy().tobytes() + labels.numpy().astype("<i8").tobytes()
    assert hashlib.sha256(content).hexdigest().startswith(digest)


@pytest.mark.parametrize("classes", [10, 100])
def test_a_drawing_has_the_shape_of_cifar_and_every_class_alike(classes):
    pixels, labels = builtin.draw(classes, 1000, seed=7)
    assert pixels.dtype == torch.uint8 and pixels.shape == (1000, 3, 32, 32)
    assert labels.dtype == torch.int64
    assert labels.bincount(minlength=classes).tolist() == [1000 // classes] * classes
    assert len(set(builtin.class_names(f"cifar{classes}"))) == classes


def test_another_seed_draws_other_images():
    first, again, other = (builtin.draw(10, 50, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_only_10_or_100_classes_are_drawn():
    with pytest.raises(lab.LabError, match="10 or 100"):
        builtin.draw(20, 10, 0)


def test_lenet5_passes_with_room_within_a_minute(trained):
    _, accuracy, seconds = trained
    assert accuracy > 0.68
    assert seconds < 60


def test_freshly_drawn_images_are_as_hard_as_the_test_split(trained):
    """The judge grades on images drawn with a seed of its own."""
    model, accuracy, _ = trained
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in lab.normalisation("cifar10"))
    pixels, labels = builtin.draw(10, 2000, seed=12345)
    model.eval()
    with torch.no_grad():
        answers = model((pixels / 255 - mean) / std).argmax(1)
    assert abs((answers == labels).float().mean().item() - accuracy) < 0.05


def test_a_linear_classifier_fails_clearly():
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
    assert accuracy_of(linear, 4, 0.005, "linear") < 0.45


def test_lenet5_without_activations_fails():
    assert accuracy_of(lenet5(nn.Identity), 12, 0.02, "flat") < 0.55
