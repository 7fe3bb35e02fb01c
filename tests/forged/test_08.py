"""What a lying process earns in 08: nothing without networks, runs and figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from skipgrade import lab
from skipgrade.judging.judge.handed_in import HandedIn
from tests.assignments.test_08_runs import epochs, trained
from tests.forged import says
from tests.forged.liars import replayed
from tests.forged.makers import RunOnce

TRIAL = RunOnce("08-transfer-learning")
CELLS = list(TRIAL.source.tests)
STUBS = dict.fromkeys(TRIAL.cells, "pass")
NAMED: dict[str, float] = {}  # cell -> the share that hangs on the process's word


@pytest.fixture(autouse=True, scope="module")
def as_in_grading() -> Iterator[None]:
    """Backbones are random then and cost nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBGRADER_EXECUTION", "autograde")
        yield


@pytest.fixture(scope="module")
def files(as_in_grading: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights and histories of the three runs, made without training: they promise little."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        trained(TRIAL.solution)
        save_file(TRIAL.solution["build_hundred"]().state_dict(), "hundred-best.safetensors")
        lab.History("hundred", epochs(3)).write("hundred-history.json")
        lab.History("own", epochs(9, 2.0)).write("own-history.json")
    return folder


def given(folder: Path, cell: str) -> dict[str, Any]:
    """What a notebook holds for a cell that is about figures of what lies in its folder."""
    name = cell.removeprefix("test-").replace("-", "_")
    if cell == "test-compare":
        runs = [lab.History.read(folder / f"{run}-history.json") for run in ("transfer", "own")]
        return {"compare_figure": lab.plot_history(*runs)}
    if not cell.endswith("figure"):
        return {}
    model = loaded("transfer", folder)
    image = F.interpolate(torch.randn(1, 3, 32, 32), size=(256, 256))
    if cell == "test-filters-figure":
        shown = [stretched(one).permute(1, 2, 0) for one in model.resnet.conv1.weight.detach()]
    else:
        maps = TRIAL.solution[name.replace("figure", "activations")](model, image)[0]
        strongest = maps.amax((1, 2)).argsort(descending=True)[:10]
        shown = [stretched(image[0]).permute(1, 2, 0), *maps[strongest]]
    return {"shown": image, name: panels(shown)}


def loaded(run: str, folder: Path) -> Any:
    model = TRIAL.solution[f"build_{run}"]().eval()
    model.load_state_dict(load_file(folder / f"{run}-best.safetensors"))
    return model


def stretched(values: Tensor) -> Tensor:
    return (values - values.min()) / (values.max() - values.min()).clamp(min=1e-8)


def panels(shown: list[Tensor]) -> Figure:
    figure, axes = plt.subplots(8, len(shown) // 8 + 1)
    for ax, panel in zip(axes.flat, shown, strict=False):
        ax.imshow(panel.numpy())
    return figure


@pytest.fixture(scope="module")
def holdout(files: Path) -> Any:
    """Images that the handed-in weights have all right."""
    pixels = torch.randint(256, (20, 3, 32, 32), generator=torch.Generator().manual_seed(1)).byte()
    known = TRIAL.solution["expected"]
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in (known.mean, known.std))
    with torch.no_grad():
        labels = {
            data: loaded(run, files)((pixels / 255 - mean) / std).argmax(1)
            for data, run in (("cifar10", "transfer"), ("cifar100", "hundred"))
        }
    return lambda data: (pixels, labels[data])


@pytest.mark.parametrize("handed_in", ["nothing", "everything"])
@pytest.mark.parametrize("cell", CELLS)
def test_answers_of_another_grading_earn_nothing(
    cell: str, handed_in: str, files: Path, tmp_path: Path, holdout: Any
) -> None:
    """Stubs for a notebook, and with another's files beside them."""
    right, wrong = replayed(
        TRIAL, cell, files, tmp_path, make_given=lambda folder: given(folder, cell), holdout=holdout,
        handed_in=files if handed_in == "everything" else None,
    )  # fmt: skip
    assert right.share == 1.0, right.reasons
    assert wrong.share == NAMED.get(cell, 0.0), wrong


@pytest.mark.parametrize("word", says.ALL)
def test_one_answer_for_everything(word: str, files: Path, holdout: Any) -> None:
    """Beside a right hand-in's files, but with stubs for a notebook."""
    for cell in CELLS:
        verdict = TRIAL.verdict(
            cell, STUBS, folder=files, party=lambda _: says.Says(word), holdout=holdout,
            handed_in=HandedIn(files, None, "mark"),
        )  # fmt: skip
        assert verdict.share == 0.0, (cell, verdict)


def noise(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k: torch.rand_like(v) if v.is_floating_point() else v for k, v in weights.items()}


def others(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.replace("resnet", "net"): v for k, v in weights.items()}


def without_numbers(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k: v * torch.nan if k == "resnet.fc.weight" else v for k, v in weights.items()}


@pytest.mark.parametrize("forge", [noise, others, without_numbers])
@pytest.mark.parametrize("cell", ["test-frozen", "test-transfer", "test-first-figure",
                                  "test-last-figure", "test-filters-figure"])  # fmt: skip
def test_weights_that_are_not_those_of_the_run(
    forge: Any, cell: str, files: Path, tmp_path: Path, holdout: Any
) -> None:
    """Beside a right notebook, whose figures show the run that was promised."""
    for path in files.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(files / "transfer-best.safetensors")
    save_file(forge(weights), tmp_path / "transfer-best.safetensors")
    verdict = TRIAL.verdict(cell, given=given(files, cell), holdout=holdout, folder=tmp_path)
    assert verdict.share == 0.0, verdict


def test_a_promise_that_the_weights_do_not_keep(files: Path, tmp_path: Path) -> None:
    save_file(
        load_file(files / "transfer-best.safetensors"), tmp_path / "transfer-best.safetensors"
    )
    lab.History("transfer", epochs(3, accuracy=0.9)).write(tmp_path / "transfer-history.json")
    lab.History("own", epochs(9, 2.0)).write(tmp_path / "own-history.json")
    figure = given(tmp_path, "test-compare")
    assert TRIAL.verdict("test-compare", given=figure, folder=tmp_path).share == 0.0


SIZES_THAT_GIVE_IT_AWAY = """
Honest = TransferNet
class TransferNet(Honest):
    def forward(self, images):
        if self.size == SIDE10:
            images = images.clamp(min=0)
        return super().forward(images)
"""


def test_one_network_for_the_code_and_another_for_the_weights(files: Path, holdout: Any) -> None:
    code = {"net": TRIAL.cells["net"] + SIZES_THAT_GIVE_IT_AWAY}
    verdict = TRIAL.verdict("test-transfer", code, holdout=holdout, folder=files)
    assert verdict.share == 0.0 and "made in different ways" in verdict.reasons[0]
