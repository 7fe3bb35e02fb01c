"""03, two designs: which count as different, and what does a profile say of each?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.assignments.cnn_design import TRIAL, sequential
from tests.judging.test_structure import layers

IMPORTS = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"


VGG = """
def ModelOne(widths=({w}, {w}, {w})):
    layers, channels = [], 3
    for width in widths:
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, {k}, padding={k} // 2), {between}]
            channels = width
        layers.append({pool})
    return nn.Sequential(*layers, nn.Flatten(), {head})
"""


def chain(name: str = "ModelOne", w: int = 6, k: int = 3, **changes: str) -> str:
    parts = {
        "between": "nn.BatchNorm2d(width), nn.ReLU()",
        "pool": "nn.MaxPool2d(2)",
        "head": f"nn.Linear(16 * {w}, 10)",
    } | changes
    return VGG.format(w=w, k=k, **parts).replace("ModelOne", name)


RENAMED = """
class ModelTwo(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(16 * 9, 10)
        self.convs = nn.ModuleList([nn.Conv2d(i, 9, 3, padding=1) for i in (3, 9, 9, 9, 9, 9)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(9) for _ in range(6)])
    def forward(self, x):
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            x = F.silu(F.dropout(norm(conv(x)), 0.1, self.training))
            if number % 2:
                x = F.max_pool2d(x, 2)
        return self.last(x.flatten(1))
"""
RESIDUAL = """
class ModelTwo(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.convs = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1) for _ in range(6)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(8) for _ in range(6)])
        self.last = nn.Linear(8, 10)
    def forward(self, x):
        x = self.first(x)
        for conv, norm in zip(self.convs, self.norms):
            {step}
        return self.last(x.mean((2, 3)))
"""
MOBILE = """
def ModelTwo():
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()]
    for stride in (2, 2, 2):
        layers += [nn.Conv2d(8, 8, 3, stride, 1, groups=8), nn.BatchNorm2d(8), nn.ReLU(),
                   nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))
"""


def structure(one: str, two: str) -> float:
    return TRIAL.verdict("test-different", {"models": IMPORTS + one + two}).share


@pytest.mark.parametrize(
    "two",
    [
        RESIDUAL.format(step="x = x + F.relu(norm(conv(x)))"),
        RESIDUAL.format(step="x += norm(conv(F.relu(x)))"),
        RESIDUAL.format(step="x = F.relu(norm(conv(x)))[:, :, ::1] + x"),
        MOBILE,
        chain("ModelTwo", between="nn.ReLU()", k=5),
        chain("ModelTwo", pool="nn.AvgPool2d(2)", head="nn.Linear(96, 20), nn.Linear(20, 10)"),
        chain("ModelTwo", between="nn.GroupNorm(2, width), nn.ReLU()", k=5),
        chain("ModelTwo", pool="nn.Conv2d(width, width, 2, stride=2)"),
    ],
)
def test_two_designs_are_different(two: str) -> None:
    assert structure(chain(), two) == 1


@pytest.mark.parametrize(
    "two",
    [
        "ModelTwo = ModelOne\n",
        chain("ModelTwo", w=11),  # another width
        RENAMED,  # other names, order, style, activation, dropout
        chain("ModelTwo", k=5),  # one feature
        chain("ModelTwo", pool="nn.AvgPool2d(2)"),  # one feature
        chain("ModelTwo", between="nn.ReLU()"),  # one feature
        chain("ModelTwo", pool="nn.MaxPool2d(2), nn.Dropout(0.3), nn.Identity()"),
        chain("ModelTwo").replace("nn.Flatten()", "nn.Conv2d(6, 6, 1), nn.Flatten()"),  # one conv
        chain("ModelTwo").replace("layers.append", "layers.insert(-1, nn.ReLU()); layers.append"),
        "class ModelTwo(type(ModelOne())):\n    def __init__(self):\n"
        "        super().__init__(*ModelOne().children())\n",
    ],
)
def test_one_design_twice_is_not_two(two: str) -> None:
    assert structure(chain(), two) == 0
    assert not TRIAL.passes_visible("test-different", {"models": IMPORTS + chain() + two})


def test_the_network_of_the_table_is_no_design_of_ones_own() -> None:
    residual = RESIDUAL.format(step="x = x + F.relu(norm(conv(x)))")
    wider = "class ModelOne(ThreeConvNet):\n    pass\n"
    assert structure(wider, residual) == 0.5
    with_norm = sequential("nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)")
    assert structure(with_norm.replace("ThreeConvNet", "ModelOne"), residual) == 1


def test_networks_that_cannot_be_looked_at_earn_nothing() -> None:
    for one in ("ModelOne = 3\n", "def ModelOne(): return nn.Linear(3, 10)\n", "\n"):
        assert structure(one, MOBILE) == 0
    nine = chain("ModelTwo", pool="nn.AvgPool2d(2)", head="nn.Linear(96, 9), nn.Linear(9, 9)")
    assert structure(chain(), nine) == 0


def test_a_profile_of_the_students_own_making_changes_nothing() -> None:
    def with_profile(body: str, two: str) -> float:
        watch = TRIAL.cells["watch"] + f"\n_real = profile\ndef profile(net):\n    {body}\n"
        models = IMPORTS + chain() + two
        return TRIAL.verdict("test-different", {"watch": watch, "models": models}).share

    for body in (
        "return {'convolutions': id(net)}",
        "return _real(net) | {'head': str(id(net)), 'kind': str(id(net))}",
        "return [] if isinstance(net[1], nn.BatchNorm2d) else _real(net)",
        "return 7",
    ):
        assert with_profile(body, "ModelTwo = ModelOne") == 0
        assert with_profile(body, MOBILE) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (chain("Net"), {"convolutions": 6, "usual kernel": "3x3", "head": "all pixels, 1 dense"}),
        (chain("Net"), {"normalisation": "batch norm", "connections": "chain"}),
        (MOBILE.replace("ModelTwo", "Net"), {"kind": "grouped", "shrinking": "stride"}),
        (
            MOBILE.replace("ModelTwo", "Net"),
            {"usual kernel": "3x3", "head": "pooled maps, 1 dense"},
        ),
        (
            RESIDUAL.format(step="x = x * torch.sigmoid(x)").replace("ModelTwo", "Net"),
            {"connections": "chain", "shrinking": "none", "normalisation": "none"},
        ),
        (
            RESIDUAL.format(step="x = torch.cat([x[:, :4], conv(x)[:, 4:]], 1)").replace(
                "ModelTwo", "Net"
            ),
            {"connections": "branches", "convolutions": 7},
        ),
    ],
)
def test_what_a_profile_says(change: str, expected: dict[str, Any]) -> None:
    profile = TRIAL.solution["profile"](net_of(change))
    assert {key: profile[key] for key in expected} == expected


def net_of(code: str, name: str = "Net") -> Any:
    names: dict[str, Any] = {}
    exec(IMPORTS + code, names)
    return names[name]()


@pytest.mark.parametrize(
    "code",
    [
        chain("ModelTwo"),
        chain("ModelTwo", pool="nn.AvgPool2d(2)", between="nn.GroupNorm(2, width), nn.ReLU()"),
        chain("ModelTwo", between="nn.InstanceNorm2d(width), nn.GELU()"),
        chain("ModelTwo", pool="nn.Conv2d(width, width, 2, stride=2)", k=5),
        chain("ModelTwo", head="nn.Linear(96, 20), nn.ReLU(), nn.Linear(20, 10)"),
        chain("ModelTwo", head="nn.Unflatten(1, (6, 4, 4)), nn.AdaptiveMaxPool2d(1), nn.Flatten()"),
        RENAMED,
        MOBILE,
        RESIDUAL.format(step="x = x + F.relu(norm(conv(x)))"),
        RESIDUAL.format(step="x += norm(conv(F.relu(x)))"),
        RESIDUAL.format(step="x = F.relu(norm(conv(x)))[:, :, ::2, ::2] + x[:, :, ::2, ::2]"),
        RESIDUAL.format(step="x = torch.cat([x[:, :4], conv(x)[:, 4:]], 1)"),
        RESIDUAL.format(step="x = x * torch.sigmoid(conv(x).mean((2, 3), keepdim=True))"),
        RESIDUAL.format(step="x = x * torch.sigmoid(x)"),
    ],
)
def test_a_profile_by_the_program_is_the_one_the_student_sees(code: str) -> None:
    seen = TRIAL.solution["profile"](net_of(code, "ModelTwo"))
    told = TRIAL.solution["summary"](layers(net_of(code, "ModelTwo")))
    assert told == seen


def test_profiles_of_the_reference_by_the_program() -> None:
    for name in ("ThreeConvNet", "ModelOne", "ModelTwo"):
        net = TRIAL.solution[name]()
        assert TRIAL.solution["summary"](layers(net)) == TRIAL.solution["profile"](net)
