"""What a run was trained with, in words a person can compare."""

import functools
import hashlib
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from skipgrade.lab.data import source
from skipgrade.lab.errors import LabError

IMAGES = "images"  # "official" or "builtin", whatever the loaders are


def describe(
    model: nn.Module,
    train: DataLoader[Any],
    optimizer: Optimizer,
    *,
    data: str,
    augment: bool | None,
    choices: dict[str, Callable[..., Any] | None],
    seed: int,
) -> dict[str, Any]:
    """Everything that decides what comes out of a run, except for the number of epochs."""
    settings: dict[str, Any] = {
        IMAGES: source(),
        "data": data,
        "augment": augment,
        "training images": _length(train),
        "batch size": train.batch_size,
        "seed": seed,
        "parameters": sum(p.numel() for p in model.parameters()),
        "layers": _fingerprint(model),
        "frozen": _frozen(model),
        "optimizer": type(optimizer).__name__,
    }
    for number, group in enumerate(optimizer.param_groups):
        suffix = f" (group {number + 1})" if number else ""
        for key, value in group.items():
            if key != "params":
                settings[f"optimizer {key}{suffix}"] = _plain(value)
    for key, choice in choices.items():
        settings[key] = _name(choice)
    return settings


def refuse_change(name: str, then: dict[str, Any], now: dict[str, Any]) -> None:
    """Resuming under other settings would pass one run's weights off as another's."""
    changed = [
        f"{key}: {then[key]} then, {now[key]} now"
        for key in now
        if key in then and then[key] != now[key]
    ]
    if changed:
        raise LabError(
            f"The files {name}-* in this folder come from a run with other settings:\n  "
            + "\n  ".join(changed)
            + f"\nTo keep them, train under another name: lab.fit(..., name={name + '-2'!r}). "
            f"To throw them away and start again: lab.forget({name!r})."
        )


def _length(loader: DataLoader[Any]) -> int | None:
    try:
        return len(loader.dataset)  # type: ignore[arg-type]
    except TypeError:  # an iterable data set has no length
        return None


def _fingerprint(model: nn.Module) -> str:
    """Changes with the names and shapes of the weights and with the layers, whatever their class.

    The printed form tells a ReLU from a Swish; the class name on its first line says nothing.
    """
    shapes = [(key, tuple(value.shape)) for key, value in model.state_dict().items()]
    printed = str(model).partition("(")[2]
    return hashlib.sha256(f"{shapes}{printed}".encode()).hexdigest()[:12]


def _frozen(model: nn.Module) -> str | None:
    """A fingerprint of the parameters that do not learn: they must come out as they went in."""
    still = [p.detach().cpu().contiguous() for p in model.parameters() if not p.requires_grad]
    if not still:
        return None
    return hashlib.sha256(b"".join(p.numpy().tobytes() for p in still)).hexdigest()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)


def _name(choice: Callable[..., Any] | None) -> str:
    if choice is None:
        return "the lab's own"
    if isinstance(choice, functools.partial):
        given = [str(_plain(value)) for value in choice.args]
        given += [f"{key}={_plain(value)}" for key, value in choice.keywords.items()]
        return f"{_name(choice.func)}({', '.join(given)})"
    if isinstance(choice, nn.Module):
        return str(choice)
    return getattr(choice, "__name__", type(choice).__name__)


def on_drawn_images(settings: dict[str, Any]) -> bool:
    """Whether a run was trained on the drawn images, as far as its settings tell."""
    return settings.get(IMAGES) == "builtin" or "(builtin)" in str(settings.get("data"))
