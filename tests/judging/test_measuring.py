"""`network(...)` in a hidden test: what the judge measures of a student's network itself."""

from __future__ import annotations

import torch
from safetensors.torch import save_file
from torch import nn

from skipgrade.judging import session as sessions
from skipgrade.judging.checks.measuring import StudentsNetwork
from skipgrade.judging.parties import Here
from skipgrade.judging.session import Session
from tests.judging.trial import fixed_images, namespace

FLATTENS = "def Net(): return nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))"


def test_images_may_lie_in_memory_with_their_colours_last(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = Here(namespace(FLATTENS))
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
    save_file(net.state_dict(), "run-best.safetensors")
    pixels = torch.randint(256, (6, 32, 32, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    session = Session(notebook, notebook, fixed_images, on_trial=True)
    sessions.begin(session)
    try:
        network = StudentsNetwork(session, "Net()")
        one = network.scores(pixels, weights="run")
        other = network.scores(pixels.contiguous(), weights="run")
    finally:
        sessions.end()
    assert torch.equal(one, other)
