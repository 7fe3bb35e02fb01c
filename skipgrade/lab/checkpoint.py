"""Weights and everything else a run needs to go on: safetensors only, one file at a time, whole.

`<name>-resume.safetensors` alone decides where a run stands: it is written first, and what else
belongs to that epoch is written again from it when a run is taken up.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import nn
from torch.optim import Optimizer

from skipgrade.lab.errors import LabError
from skipgrade.lab.files import run_file, write_atomically
from skipgrade.lab.history import History

Tensors = dict[str, torch.Tensor]
MODEL, OPTIMIZER = "model.", "optimizer."


def weights_of(model: nn.Module) -> Tensors:
    """A copy on the CPU, each tensor with memory of its own."""
    return {
        key: value.detach().to("cpu", copy=True).contiguous()
        for key, value in model.state_dict().items()
    }


def save_weights(model: nn.Module, path: Path) -> None:
    write_atomically(path, save(weights_of(model)))


def load_weights(model: nn.Module, path: Path) -> None:
    """Strictly: every weight of the model, no other, each of the right shape."""
    if not path.is_file():
        raise LabError(
            f"{path} is missing: it is written by lab.fit and must lie next to the notebook."
        )
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise LabError(f"{path} is not a readable safetensors file: {error}.") from error
    problems = _misfits(model, tensors)
    if problems:
        raise LabError(
            f"{path} does not fit the {type(model).__name__} of this notebook: "
            f"{'; '.join(problems[:4])}. The weights must come from the model as it is now: "
            "undo the change, or train again."
        )
    model.load_state_dict(tensors)


def in_half(path: Path) -> bytes:
    """The same weights in float16, of half the size; as they are where one is too large for it."""
    tensors = load_file(path)
    short = {key: x.half() if x.dtype == torch.float32 else x for key, x in tensors.items()}
    fits = all(bool(torch.isfinite(x).all()) for x in short.values())
    return save(short) if fits else path.read_bytes()


def _misfits(model: nn.Module, tensors: Tensors) -> list[str]:
    wanted = model.state_dict()
    problems = [f"{key} is not in the file" for key in wanted if key not in tensors]
    problems += [f"{key} is not in the model" for key in tensors if key not in wanted]
    problems += [
        f"{key} has shape {list(tensors[key].shape)}, the model wants {list(value.shape)}"
        for key, value in wanted.items()
        if key in tensors and tensors[key].shape != value.shape
    ]
    return problems


def save_resume(
    history: History, weights: Tensors, optimizer: Optimizer, scaler: dict[str, Any], epochs: int
) -> None:
    """Write where the run stands; this is what makes an epoch count as done."""
    tensors = {MODEL + key: value for key, value in weights.items()}
    state = optimizer.state_dict()
    plain: dict[str, dict[str, Any]] = {}
    for index, entries in state["state"].items():
        for key, value in entries.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{OPTIMIZER}{index}.{key}"] = value.detach().to("cpu", copy=True)
            else:
                plain.setdefault(str(index), {})[key] = value
    record = {
        "epochs": history.epochs,
        "settings": history.settings,
        "planned": epochs,
        "groups": state["param_groups"],
        "plain": plain,
        "scaler": scaler,
    }
    tensors = {key: value.contiguous() for key, value in tensors.items()}
    content = save(tensors, metadata={"run": json.dumps(record)})
    write_atomically(run_file(history.name, "resume.safetensors"), content)


class Resume:
    """An interrupted (or finished) run as its resume file tells it."""

    def __init__(self, name: str) -> None:
        self.path = run_file(name, "resume.safetensors")
        try:
            with safe_open(self.path, framework="pt") as file:
                record = json.loads((file.metadata() or {})["run"])
            self._tensors = load_file(self.path)
        except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
            raise LabError(
                f"{self.path} cannot be read ({error}), so the run cannot go on. "
                f"Start again with lab.forget({name!r})."
            ) from error
        self.history = History(name, record["epochs"], record["settings"])
        self.planned: int = record["planned"]
        self.scaler: dict[str, Any] = record["scaler"]
        self._groups: list[dict[str, Any]] = record["groups"]
        self._plain: dict[str, dict[str, Any]] = record["plain"]

    def restore(self, model: nn.Module, optimizer: Optimizer, *, keep_groups: bool) -> None:
        """Put weights and momentum back; `keep_groups` leaves the learning rate as it is now."""
        model.load_state_dict(self._part(MODEL))
        state: dict[int, dict[str, Any]] = {}
        for key, tensor in self._part(OPTIMIZER).items():
            index, _, entry = key.partition(".")
            state.setdefault(int(index), {})[entry] = tensor
        for index, entries in self._plain.items():
            state.setdefault(int(index), {}).update(entries)
        groups = optimizer.state_dict()["param_groups"] if keep_groups else self._groups
        optimizer.load_state_dict({"state": state, "param_groups": groups})

    def _part(self, prefix: str) -> Tensors:
        return {
            key.removeprefix(prefix): value
            for key, value in self._tensors.items()
            if key.startswith(prefix)
        }
