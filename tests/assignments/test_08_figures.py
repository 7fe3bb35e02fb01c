"""08, figures of maps and filters: is drawn what was to be drawn?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from torchvision.utils import make_grid

from tests.assignments.transfer import as_in_grading, trial  # noqa: F401 (a fixture)

WEIGHTS = "transfer-best.safetensors"


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """A network with something in its maps, a picture, and both kinds of maps."""
    torch.manual_seed(0)
    model = trial.solution["build_transfer"]().eval()
    handed_in = tmp_path_factory.mktemp("files") / WEIGHTS
    save_file(model.state_dict(), handed_in)
    image = F.interpolate(torch.randn(1, 3, 16, 16), size=(256, 256))
    return {
        "transfer_model": model,
        "handed_in": handed_in,
        "shown": image,
        "first": trial.solution["first_activations"](model, image)[0],
        "last": trial.solution["last_activations"](model, image)[0],
    }


@pytest.fixture(autouse=True)
def weights(inside: dict, own_folder: None) -> None:
    os.link(inside["handed_in"], WEIGHTS)


def drawn(panels: list[Tensor]) -> Figure:
    figure, axes = plt.subplots(8, 9)
    for ax, panel in zip(axes.flat, panels, strict=False):
        ax.imshow(panel.numpy())
    return figure


def stretched(values: Tensor) -> Tensor:
    return (values - values.min()) / (values.max() - values.min()).clamp(min=1e-8)


def colour(image: Tensor) -> Tensor:
    return stretched(image).permute(1, 2, 0)


FIGURES: dict[str, tuple[float, Callable[[Tensor, Tensor], list[Tensor]]]] = {
    "ten maps": (1.0, lambda image, maps: [colour(image), *maps[:10]]),
    "stretched maps, in another order": (
        1.0,
        lambda image, maps: [*(stretched(m) for m in maps[20:32]), colour(image)],
    ),
    "as bytes": (
        1.0,
        lambda image, maps: [
            colour(image), *((255 * stretched(m)).to(torch.uint8) for m in maps[:11])
        ],
    ),
    "grey in three channels, small picture": (
        1.0,
        lambda image, maps: [
            colour(image[:, ::8, ::8]),
            *(stretched(m)[..., None].repeat(1, 1, 3) for m in maps[:10]),
        ],
    ),
    "nine maps": (0.0, lambda image, maps: [colour(image), *maps[:9]]),
    "one map ten times": (0.0, lambda image, maps: [colour(image), *[maps[3]] * 12]),
    "maps turned": (0.0, lambda image, maps: [colour(image), *(m.T for m in maps[:12])]),
    "maps of noise": (0.0, lambda image, maps: [colour(image), *torch.randn(12, *maps.shape[1:])]),
    "no picture": (0.75, lambda image, maps: list(maps[:12])),
    "another picture": (
        0.75,
        lambda image, maps: [colour(torch.rand(3, 256, 256)), *maps[:12]],
    ),
    "nothing": (0.0, lambda image, maps: []),
}  # fmt: skip


@pytest.mark.parametrize("layer", ["first", "last"])
@pytest.mark.parametrize("name", list(FIGURES))
def test_a_figure_of_maps(inside, layer, name):
    share, panels = FIGURES[name]
    figure = drawn(panels(inside["shown"][0], inside[layer]))
    verdict = trial.verdict(f"test-{layer}-figure", given={**inside, f"{layer}_figure": figure})
    assert verdict.share == pytest.approx(share), verdict.reasons


@pytest.mark.parametrize(("silent", "share"), [(1, 1.0), (6, 0.0)])
def test_a_silent_map_counts_if_most_are_not(inside, silent, share):
    """After a ReLU a filter may be silent for a picture; drawing its map is no mistake."""
    model = trial.solution["build_transfer"]().eval()
    model.load_state_dict(inside["transfer_model"].state_dict())
    with torch.no_grad():
        model.resnet.layer4[1].bn2.bias[4 : 4 + silent] = -1e6
    Path(WEIGHTS).unlink()
    save_file(model.state_dict(), WEIGHTS)
    maps = trial.solution["last_activations"](model, inside["shown"])[0]
    assert not maps[4 : 4 + silent].any() and inside["last"][4].any()
    ten = drawn([colour(inside["shown"][0]), *maps[:10]])
    assert trial.verdict("test-last-figure", given={**inside, "last_figure": ten}).share == share


def test_a_figure_of_another_network_is_none_of_this_one(inside):
    """Maps of weights that were not handed in."""
    other = trial.solution["build_transfer"]().eval()
    maps = trial.solution["first_activations"](other, inside["shown"])[0]
    figure = drawn([colour(inside["shown"][0]), *maps[:12]])
    given = {**inside, "transfer_model": other, "first_figure": figure}
    assert trial.verdict("test-first-figure", given=given).share == 0


def grid(filters: Tensor) -> list[Tensor]:
    return [make_grid(filters, normalize=True, scale_each=True, padding=1).permute(1, 2, 0)]


FILTERS: dict[str, tuple[float, Callable[[Tensor], list[Tensor]]]] = {
    "each stretched": (1.0, lambda w: [colour(one) for one in w]),
    "all on one scale": (1.0, lambda w: list(stretched(w).permute(0, 2, 3, 1))),
    "a grid": (1.0, grid),
    "half of them": (0.0, lambda w: [colour(one) for one in w[:32]]),
    "half of them twice": (0.0, lambda w: [colour(one) for one in w[:32]] * 2),
    "cut off at zero": (0.0, lambda w: [one.clamp(min=0).permute(1, 2, 0) for one in w]),
    "one colour only": (0.0, lambda w: [one[0] for one in w]),
    "channels mixed up": (0.0, lambda w: [colour(one.flip(0)) for one in w]),
    "nothing": (0.0, lambda w: []),
}


@pytest.mark.parametrize("name", list(FILTERS))
def test_a_figure_of_filters(inside, name):
    share, panels = FILTERS[name]
    figure = drawn(panels(inside["transfer_model"].resnet.conv1.weight.detach()))
    verdict = trial.verdict("test-filters-figure", given={**inside, "filters_figure": figure})
    assert verdict.share == share, verdict.reasons


@pytest.mark.parametrize("cell", ["first", "last", "filters"])
@pytest.mark.parametrize("answer", [None, 3, "a figure", []])
def test_no_figure_is_told_so(inside, cell, answer):
    assert (
        trial.verdict(f"test-{cell}-figure", given={**inside, f"{cell}_figure": answer}).share == 0
    )


@pytest.mark.parametrize("image", [None, 3, torch.zeros(1, 3, 256, 256), torch.ones(3)])
def test_a_picture_that_is_none_is_told_so(inside, image):
    """Of a picture without anything in it all maps are blank, and so are blank panels."""
    figure = drawn([colour(inside["shown"][0]), *torch.zeros(12, 128, 128)])
    given = {**inside, "first_figure": figure, "shown": image}
    assert trial.verdict("test-first-figure", given=given).share == 0


@pytest.mark.parametrize("cell", ["first", "last", "filters"])
def test_missing_weights_are_told_so(inside, cell):
    Path(WEIGHTS).unlink()
    figure = drawn([colour(inside["shown"][0]), *inside["first"][:12]])
    verdict = trial.verdict(f"test-{cell}-figure", given={**inside, f"{cell}_figure": figure})
    assert verdict.share == 0 and WEIGHTS in verdict.reasons[0]
