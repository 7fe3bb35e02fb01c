"""`network(...)` in a hidden test: what the judge measures of a student's network itself."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from skipgrade.judging.checks.measuring import StudentsNetwork
from skipgrade.judging.judge import trial as trials
from skipgrade.judging.judge.answerers import LocalNotebook
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.verdict import NoAnswerError
from tests.judging.trial import fixed_images, judge, namespace

FLATTENS = "def Net(): return nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))"


def test_images_may_lie_in_memory_with_their_colours_last(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = LocalNotebook(namespace(FLATTENS))
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
    save_file(net.state_dict(), "run-best.safetensors")
    pixels = torch.randint(256, (6, 32, 32, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    trial = Trial(notebook, notebook, fixed_images, grading=True)
    trials.begin(trial)
    try:
        network = StudentsNetwork(trial, "Net()")
        one = network.scores(pixels, weights="run")
        other = network.scores(pixels.contiguous(), weights="run")
    finally:
        trials.end()
    assert torch.equal(one, other)


CONVS = """
class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, width, 3), nn.Linear(width, 10)
        self.conv.requires_grad_(False)
    def forward(self, x):
        return self.last(F.relu(self.conv(x)).mean((2, 3)))
"""


def test_weights_outputs_and_products(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = namespace(CONVS)
    net = names["Net"]().eval()
    save_file(net.state_dict(), "run-best.safetensors")
    trial = Trial(LocalNotebook(names), LocalNotebook(names), fixed_images, grading=True)
    network = StudentsNetwork(trial, "Net()")
    assert [tuple(p.shape) for p in network.weights("run", trainable=False)] == [(4, 3, 3, 3), (4,)]
    assert [tuple(p.shape) for p in network.weights("run", trainable=True)] == [(10, 4), (10,)]
    assert torch.equal(network.weights("run")[0], net.conv.weight)
    convolution, rest = 4 * 27 * 900, 40
    assert convolution + rest < network.products() < 1.1 * convolution
    inside = StudentsNetwork(trial, "lambda net, x: net.conv(x)", of="Net()")
    photo = torch.randn(1, 3, 64, 64)
    assert torch.allclose(inside.outputs(photo, weights="run")[0], net.conv(photo), atol=1e-6)
    with pytest.raises(NoAnswerError, match="does not fit"):
        StudentsNetwork(trial, "Net(width=5)").outputs(photo, weights="run")


@pytest.mark.parametrize(
    ("large", "share"),
    [
        ("Net(8)", 1.0),
        ("nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(6272, 10))", 0.0),
        ("type('Other', (Net,), {'forward': lambda s, x: Net.forward(s, x) + 1})(8)", 0.0),
        ("type('Other', (Net,), {'forward': lambda s, x: s.last(F.relu(s.conv(x)).amax((2, 3)))})()", 0.0),
        ("type('Other', (Net,), {'forward': lambda s, x: s.last(F.relu("
         "F.conv2d(x, s.conv.weight, s.conv.bias, stride=2)).mean((2, 3)))})()", 0.0),
    ],
)  # fmt: skip
def test_networks_of_one_make(large: str, share: float) -> None:
    code = f"{CONVS}\nlarge = {large}"
    assert judge("check.same_make('large', 'Net()')", code, CONVS).share == share
