"""torch, torchvision and matplotlib: do they still do what judging and lab rely on?"""

from __future__ import annotations

import platform
import warnings
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from packaging.version import Version
from torch import nn
from torch.utils.data import DataLoader

from skipgrade.judging.questions.figures import figure
from skipgrade.judging.questions.functions import function
from skipgrade.judging.questions.tracing import ROLES, record
from skipgrade.lab.running import _no_order_warning

LAYERS: dict[str, tuple[nn.Module, torch.Tensor]] = {
    "conv1d": (nn.Conv1d(2, 3, 2), torch.rand(1, 2, 4)),
    "conv2d": (nn.Conv2d(2, 3, 2), torch.rand(1, 2, 4, 4)),
    "conv_transpose2d": (nn.ConvTranspose2d(2, 3, 2), torch.rand(1, 2, 4, 4)),
    "linear": (nn.Linear(2, 3), torch.rand(1, 2)),
    "batch_norm": (nn.BatchNorm2d(2), torch.rand(2, 2, 4, 4)),
    "layer_norm": (nn.LayerNorm(2), torch.rand(1, 2)),
    "group_norm": (nn.GroupNorm(2, 2), torch.rand(1, 2, 4)),
    "prelu": (nn.PReLU(), torch.rand(1, 2)),
}


@pytest.mark.parametrize("name", ROLES)
def test_layers_are_known_by_torchs_own_names(name: str) -> None:
    """questions/tracing.py: the function's `__name__`, and where its weights stand among the
    arguments. Under other names weights would be carried across by order alone."""
    layer, x = LAYERS[name]
    (use,) = record(layer, [x])
    assert use.function == name, f"torch calls {name} {use.function}"
    unknown = set(use.slots) - set(ROLES[name])
    assert not unknown, f"torch gives the weights of {name} in another place: {unknown}"
    assert {"weight"} <= set(use.slots)


def insists_with_torchs_words(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.linear(x, torch.ones(2, 2))


def insists_with_others(x: torch.Tensor) -> torch.Tensor:
    if x.dtype is not torch.float32:
        raise RuntimeError("mat1 is none of ours")
    return 2 * x


def asked(name: str) -> dict[str, Any]:
    given = {"x": torch.rand(2, 2)}
    return function(globals(), name, given, seed=1, scheme="flow", without=[], train=False)


@pytest.mark.parametrize("name", ["insists_with_torchs_words", "insists_with_others"])
def test_code_that_insists_on_float32_gets_it_whatever_the_error_says(name: str) -> None:
    """questions/functions.py: that float64 is refused is seen from a RuntimeError alone."""
    assert asked(name)["precision"] == "float32"


def wrong_in_any(x: torch.Tensor) -> torch.Tensor:
    return x @ torch.ones(3, 3, dtype=x.dtype)


def test_code_that_is_wrong_in_any_precision_is_told_so() -> None:
    with pytest.raises(RuntimeError, match="shape"):
        asked("wrong_in_any")


def scheduled() -> torch.optim.lr_scheduler.LRScheduler:
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0)
    return torch.optim.lr_scheduler.StepLR(optimizer, 1)


def test_catching_up_on_a_schedule_is_quiet() -> None:
    """lab/running.py knows torch's warning by its words."""
    with pytest.warns(UserWarning, match="lr_scheduler.step"):
        scheduled().step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with _no_order_warning():
            scheduled().step()


def test_a_shuffling_loader_draws_from_its_generator() -> None:
    """lab/running.py seeds what `loader.generator` and `loader.sampler.generator` name."""
    drawn = torch.Generator()
    twenty: Any = range(20)
    loader = DataLoader(twenty, shuffle=True, generator=drawn, batch_size=20)
    assert loader.generator is drawn
    assert loader.sampler.generator is drawn  # type: ignore[attr-defined]
    orders = []
    for _ in range(2):
        drawn.manual_seed(3)
        orders.append(next(iter(loader)).tolist())
    assert orders[0] == orders[1]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="asks what an x86 processor can do")
def test_torch_tells_what_the_processor_can_do() -> None:
    """lab/machine.py does without short floats where torch is too old to say."""
    if Version(torch.__version__) < Version("2.15"):
        pytest.skip("torch before 2.15 need not know")
    assert "amx_bf16" in torch.cpu.get_capabilities()


def test_figures_are_closed_as_a_whole() -> None:
    """questions/figures.py: an axes' `figure` is its subfigure, and that one's the whole one."""
    whole = plt.figure()
    both: Any = whole.subfigures(1, 2)
    left, right = both
    axes = [left.subplots(), *right.subplots(2)]
    axes[0].plot([1, 2])
    try:
        found = figure({"axes": axes}, "axes")
        assert [len(one["curves"]) for one in found] == [1, 0, 0]
        assert not plt.fignum_exists(whole.number), "the kernel would draw it, for nobody"
    finally:
        plt.close(whole)
