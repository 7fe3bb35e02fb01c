"""01: what a sanity check, `place` and `is_on` must tell apart, and the ways to write them."""

from __future__ import annotations

import pytest

from tests.assignments.variants import Assignment

TRIAL = Assignment("01-lenet5-pipeline")
SIZE = "sum(p.numel() for p in model.parameters() if p.requires_grad) == 62_006"
SANITY = """
def looks_like_lenet5(model):
    try:
        scores = model(torch.zeros(4, 3, 32, 32))
    except RuntimeError:
        return False
    return {shape} and {size}
"""
SHAPES = {
    "ten columns": "scores.shape[1] == 10",
    "ten at the end": "scores.shape[-1] == 10",
    "four rows": "len(scores) == 4",
    "forty numbers": "scores.numel() == 40",
}
SIZES = {
    "at least": SIZE.replace("==", ">="),
    "at most": SIZE.replace("==", "<="),
    "about": f"abs({SIZE.replace('==', '-')}) < 100",
    "weights only": SIZE.replace("p.requires_grad", "p.ndim > 1").replace("62_006", "61_770"),
    "the state dict": "sum(t.numel() for t in model.state_dict().values()) == 62_006",
}
DEVICES = """
def place(model, device):
    return {place}


def is_on(model, device):
    return {is_on}
"""
MOVED = "model.to(device)"
EVERYWHERE = "all(t.device.type == device.type for t in [*model.parameters(), *model.buffers()])"


@pytest.mark.parametrize("story", SHAPES)
def test_a_sanity_check_looks_at_every_row(story: str) -> None:
    TRIAL.refuses(
        "sanity-check-test", {"sanity-check": SANITY.format(shape=SHAPES[story], size=SIZE)}
    )


@pytest.mark.parametrize("story", SIZES)
def test_a_sanity_check_counts_what_can_be_trained(story: str) -> None:
    shape = "scores.shape == (4, 10)"
    TRIAL.refuses(
        "sanity-check-test", {"sanity-check": SANITY.format(shape=shape, size=SIZES[story])}
    )


@pytest.mark.parametrize(
    "place",
    ["LeNet5().to(device)", "__import__('copy').deepcopy(model).to(device)", "model"],
)
def test_what_is_placed_is_the_model_itself(place: str) -> None:
    cells = {"device": DEVICES.format(place=place, is_on=EVERYWHERE)}
    TRIAL.refuses("place-test", cells)
    assert not TRIAL.passes_visible("place-test", cells)


@pytest.mark.parametrize(
    "place",
    [
        "model.to(device=device, non_blocking=True)",
        "model._apply(lambda tensor: tensor.to(device))",
        "[model, model.to(device)][0]",
    ],
)
def test_models_are_moved_in_many_ways(place: str) -> None:
    TRIAL.accepts("place-test", {"device": DEVICES.format(place=place, is_on=EVERYWHERE)})


@pytest.mark.parametrize(
    "is_on",
    [
        "all(t.device.type == device.type for t in model.buffers())",
        "next(iter([*model.parameters(), *model.buffers()])).device.type == device.type",
    ],
)
def test_a_tensor_that_is_left_behind_counts_wherever_it_is(is_on: str) -> None:
    TRIAL.refuses("is-on-test", {"device": DEVICES.format(place=MOVED, is_on=is_on)})


@pytest.mark.parametrize(
    "is_on",
    [
        "{t.device.type for t in [*model.parameters(), *model.buffers()]} <= {device.type}",
        "not any(t.device != device for t in [*model.parameters(), *model.buffers()])",
        "all(t.device.type == device.type for m in model.modules()"
        " for held in (m._parameters, m._buffers) for t in held.values() if t is not None)",
    ],
)
def test_devices_are_compared_in_many_ways(is_on: str) -> None:
    TRIAL.accepts("is-on-test", {"device": DEVICES.format(place=MOVED, is_on=is_on)})
