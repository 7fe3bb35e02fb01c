"""Assignment 08: right answers in many styles earn everything, wrong ones lose points."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.utils import make_grid

from skipgrade import lab
from skipgrade.judging.verdict import Verdict
from tests.assignments.variants import Assignment

trial = Assignment("08-transfer-learning")


@pytest.fixture(autouse=True, scope="module")
def as_in_grading() -> Iterator[None]:
    """Backbones are random then and cost nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBGRADER_EXECUTION", "autograde")
        yield


def judged(grade_id: str, changed=None, given=None) -> Verdict:
    verdict = trial.verdict(grade_id, changed, given)
    assert not verdict.trouble, verdict.trouble
    return verdict


def net(init: str, forward: str) -> str:
    """A TransferNet with these bodies."""
    return f"""
class TransferNet(nn.Module):
    def __init__(self, num_classes=10, size=256, mode="nearest"):
        super().__init__()
        {init.strip()}

    def forward(self, x):
        {forward.strip()}
"""


INIT = """
        self.size, self.mode = size, mode
        self.resnet = lab.backbone()
        self.resnet.fc = nn.Linear(512, num_classes)
"""
FORWARD = "return self.resnet(F.interpolate(x, size=(self.size, self.size), mode=self.mode))"

PREPARE_RIGHT = {
    "a function": """
mean, std = (torch.tensor(v).view(3, 1, 1) for v in (WEIGHTS.transforms().mean,
                                                     WEIGHTS.transforms().std))
def prepare(picture):
    return (transforms.functional.to_tensor(picture) - mean) / std""",
    "version 2": """
from torchvision.transforms import v2
prepare = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True),
                      v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])""",
}
PREPARE_WRONG = {
    "cifar": """
prepare = transforms.Compose([transforms.ToTensor(),
                              transforms.Normalize((.491, .482, .447), (.247, .243, .262))])""",
    "not normalised": "prepare = transforms.ToTensor()",
    "the whole preset": "prepare = WEIGHTS.transforms()",
    "numpy": "prepare = np.asarray",
    "nothing": "prepare = None",
    "text": "prepare = lambda picture: 'picture'",
}

NET_RIGHT = {
    "upsample layer": net(
        INIT + "        self.up = nn.Upsample(size=size, mode=mode)",
        "return self.resnet(self.up(x))",
    ),
    "other name, weight and bias": net(
        "self.model = lab.backbone()\n"
        "        self.model.fc = nn.Linear(self.model.fc.in_features, num_classes)\n"
        "        self.args = dict(size=(size, size), mode=mode)",
        "return self.model(F.interpolate(x, **self.args))",
    ),
    "body and head": net(
        "net = lab.backbone()\n"
        "        self.body = nn.Sequential(*list(net.children())[:-1], nn.Flatten())\n"
        "        self.head = nn.Linear(512, num_classes)\n"
        "        self.size, self.mode = size, mode",
        "return self.head(self.body(F.interpolate(x, size=self.size, mode=self.mode)))",
    ),
    "a builder": """
def TransferNet(num_classes, size, mode="nearest"):
    net = lab.backbone()
    net.fc = nn.Linear(512, num_classes)
    return nn.Sequential(nn.Upsample(size=(size, size), mode=mode), net)""",
    "frozen batch norms stay in eval": net(INIT, FORWARD)
    + """
    def train(self, mode=True):
        super().train(mode)
        for m in self.modules():
            if isinstance(m, nn.BatchNorm2d) and not m.weight.requires_grad:
                m.eval()
        return self
""",
}
NET_WRONG = {
    "not enlarged": net(INIT, "return self.resnet(x)"),
    "softmax": net(INIT, FORWARD + ".softmax(1)"),
    "behind the old head": net(
        INIT.replace(
            "self.resnet.fc = nn.Linear(512, num_classes)",
            "self.head = nn.Linear(self.resnet.fc.out_features, num_classes)",
        ),
        FORWARD.replace("return self.resnet(", "return self.head(self.resnet(") + ")",
    ),
    "a ResNet-50's head": net(INIT.replace("512", "512 * 4"), FORWARD),
    "always bilinear": net(INIT.replace("mode = size, mode", "mode = size, 'bilinear'"), FORWARD),
    "no bias": net(INIT.replace("num_classes)", "num_classes, bias=False)"), FORWARD),
    "a head of two layers": net(
        INIT.replace(
            "nn.Linear(512, num_classes)",
            "nn.Sequential(nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, num_classes))",
        ),
        FORWARD,
    ),
    "no class": "TransferNet = None",
    "not a module": "def TransferNet(num_classes, size, mode='nearest'): return [1, 2]",
}
NET_PARTLY = {
    "mode ignored": net(INIT, FORWARD.replace("self.mode", "'nearest'")),
    "always ten classes": net(INIT.replace("512, num_classes", "512, 10"), FORWARD),
    "an old head that is never used": net(
        INIT.replace(
            "self.resnet.fc = nn.Linear(512, num_classes)",
            "self.old = self.resnet.fc\n        self.resnet.fc = nn.Linear(512, num_classes)",
        ),
        FORWARD,
    ),
}

FREEZE_RIGHT = {
    "by name": """
def freeze(model):
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "layer4" in name or "fc" in name
    return model""",
    "one after the other": """
def freeze(model):
    for p in model.parameters():
        p.requires_grad = False
    for part in (model.resnet.layer4, model.resnet.fc):
        for p in part.parameters():
            p.requires_grad = True
    return model""",
}
FREEZE_WRONG = {
    "nothing": "def freeze(model):\n    return model",
    "misspelt": """
def freeze(model):
    for p in model.parameters():
        p.require_grad = False
    return model""",
    "everything": "def freeze(model):\n    return model.requires_grad_(False)",
    "the head alone": """
def freeze(model):
    model.requires_grad_(False)
    model.resnet.fc.requires_grad_(True)
    return model""",
    "without the head": """
def freeze(model):
    model.requires_grad_(False)
    model.resnet.layer4.requires_grad_(True)
    return model""",
    "layer3 as well": """
def freeze(model):
    for name, p in model.named_parameters():
        p.requires_grad = "layer4" in name or "layer3" in name or "fc" in name
    return model""",
    "convolutions of layer4 without their batch norms": """
def freeze(model):
    model.requires_grad_(False)
    for m in [*model.resnet.layer4.modules(), model.resnet.fc]:
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            m.requires_grad_(True)
    return model""",
    "batch norms left on": """
def freeze(model):
    for name, p in model.named_parameters():
        p.requires_grad = p.ndim == 1 or "layer4" in name or "fc" in name
    return model""",
    "returns nothing": "def freeze(model):\n    model.requires_grad_(False)",
}

HUNDRED_RIGHT = {
    "keywords": "def build_hundred():\n"
    "    return TransferNet(num_classes=100, size=SIDE100, mode='bilinear')",
}
HUNDRED_WRONG = {
    "ten": "def build_hundred(): return TransferNet(10, size=SIDE100, mode='bilinear')",
    "frozen": "def build_hundred(): return freeze(TransferNet(100, SIDE100, mode='bilinear'))",
    "nearest": "def build_hundred(): return TransferNet(100, SIDE100)",
    "another size": "def build_hundred(): return TransferNet(100, SIDE100 + 32, mode='bilinear')",
}

FIRST_RIGHT = {
    "hook": """
def first_activations(model, images):
    kept = []
    hook = model.resnet.conv1.register_forward_hook(lambda m, i, o: kept.append(o.detach()))
    with torch.no_grad():
        model.resnet(images)
    hook.remove()
    return kept[0]""",
    "functional": """
def first_activations(model, images):
    return F.conv2d(images, model.resnet.conv1.weight, stride=2, padding=3)""",
}
FIRST_WRONG = {
    "batch norm as well": "def first_activations(m, x): return m.resnet.bn1(m.resnet.conv1(x))",
    "relu as well": "def first_activations(m, x): return m.resnet.conv1(x).relu()",
    "enlarged again": """
def first_activations(m, x):
    return m.resnet.conv1(F.interpolate(x, size=(m.size, m.size)))""",
    "the weights": "def first_activations(m, x): return m.resnet.conv1.weight",
    "no tensor": "def first_activations(m, x): return None",
}

LAST_RIGHT = {
    "layer by layer": """
@torch.no_grad()
def last_activations(model, images):
    was = model.training
    model.eval()
    r = model.resnet
    x = r.maxpool(r.relu(r.bn1(r.conv1(images))))
    for stage in (r.layer1, r.layer2, r.layer3, r.layer4):
        x = stage(x)
    model.train(was)
    return x""",
    "hook": """
def last_activations(model, images):
    was, kept = model.training, []
    hook = model.resnet.layer4.register_forward_hook(lambda m, i, o: kept.append(o))
    model.eval()
    with torch.no_grad():
        model.resnet(images)
    hook.remove()
    model.train(was)
    return kept[0]""",
    "on a copy": """
import copy
def last_activations(model, images):
    stages = nn.Sequential(*list(copy.deepcopy(model).resnet.children())[:-2]).eval()
    with torch.inference_mode():
        return stages(images).clone()""",
}
STAGES = "nn.Sequential(*list(m.resnet.children())[:-2])"
LAST_WRONG = {
    "pooled": "def last_activations(m, x):\n"
    "    return nn.Sequential(*list(m.resnet.children())[:-1])(x)",
    "one stage short": "def last_activations(m, x):\n"
    "    return nn.Sequential(*list(m.resnet.children())[:-3])(x)",
    "enlarged again": f"def last_activations(m, x): return {STAGES}(F.interpolate(x, size=m.size))",
    "no tensor": "def last_activations(m, x): return 3",
}
LAST_PARTLY = {
    "whatever the mode": f"def last_activations(m, x): return {STAGES}(x)",
    "left in eval mode": f"def last_activations(m, x): return {STAGES}(x) if m.eval() else None",
    "eval of a part for good": f"def last_activations(m, x): return {STAGES}.eval()(x)",
}


TABLE = {
    "test-prepare": ("prepare", PREPARE_RIGHT, PREPARE_WRONG, {}),
    "test-net": ("net", NET_RIGHT, NET_WRONG, NET_PARTLY),
    "test-freeze": ("freeze", FREEZE_RIGHT, FREEZE_WRONG, {}),
    "test-hundred-net": ("hundred", HUNDRED_RIGHT, HUNDRED_WRONG, {}),
    "test-first": ("first-activations", FIRST_RIGHT, FIRST_WRONG, {}),
    "test-last": ("last-activations", LAST_RIGHT, LAST_WRONG, LAST_PARTLY),
}


def rows(column: int) -> list[object]:
    return [
        pytest.param(test, row[0], code, id=f"{test}: {name}")
        for test, row in TABLE.items()
        for name, code in row[column].items()
    ]


@pytest.mark.parametrize("test", list(TABLE))
def test_the_solution_earns_everything(test):
    verdict = judged(test)
    assert verdict.share == 1, verdict.reasons


@pytest.mark.parametrize(("test", "cell", "code"), rows(1))
def test_a_right_answer_in_another_style_earns_everything(test, cell, code):
    verdict = judged(test, {cell: code})
    assert verdict.share == 1, verdict.reasons


@pytest.mark.parametrize(("test", "cell", "code"), rows(2))
def test_a_wrong_answer_earns_nothing(test, cell, code):
    verdict = judged(test, {cell: code})
    assert verdict.share == 0 and verdict.reasons


@pytest.mark.parametrize(("test", "cell", "code"), rows(3))
def test_an_answer_with_one_thing_wrong_loses_points(test, cell, code):
    verdict = judged(test, {cell: code})
    assert verdict.share < 1 and verdict.reasons


def test_a_network_written_otherwise_can_be_frozen_its_own_way():
    own = {
        "net": NET_RIGHT["body and head"],
        "freeze": """
def freeze(model):
    model.requires_grad_(False)
    model.body[7].requires_grad_(True)
    model.head.requires_grad_(True)
    return model""",
    }
    for test in ("test-net", "test-freeze", "test-hundred-net"):
        assert judged(test, own).share == 1


# What training leaves behind ------------------------------------------------------------------


def trained(solution: dict, *, touched: Callable[[nn.Module], None] = lambda net: None) -> None:
    """Files of a run `transfer` as lab.fit leaves them, frozen layers changed by `touched`."""
    model = solution["build_transfer"]()
    for module in model.modules():  # as if pretrained
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
    still = [p.detach().numpy().tobytes() for p in model.parameters() if not p.requires_grad]
    note = hashlib.sha256(b"".join(still)).hexdigest()
    touched(model)
    save_file(model.state_dict(), "transfer-best.safetensors")
    lab.History("transfer", epochs(3), {"frozen": note}).write("transfer-history.json")


def epochs(count: int, scale: float = 1.0) -> list[dict]:
    return [
        {
            "epoch": number, "train_loss": scale / number, "train_accuracy": 0.5,
            "val_loss": scale / number + 0.1, "val_accuracy": 0.4, "learning_rate": 0.1,
            "seconds": 1.0,
        }
        for number in range(1, count + 1)
    ]  # fmt: skip


@torch.no_grad()
def statistics_moved(model: nn.Module) -> None:
    for name, buffer in model.named_buffers():
        if "running" in name:
            buffer.mul_(1.1)


@torch.no_grad()
def one_weight_moved(model: nn.Module) -> None:
    model.resnet.layer3[1].bn2.bias[7] += 1e-6


@torch.no_grad()
def last_stage_moved(model: nn.Module) -> None:
    for parameter in model.resnet.layer4.parameters():
        parameter.add_(0.1)


@pytest.mark.parametrize(
    ("touched", "share"),
    [(statistics_moved, 1), (last_stage_moved, 1), (one_weight_moved, 0)],
)
def test_frozen_parameters_must_not_move_statistics_may(touched, share):
    trained(trial.solution, touched=touched)
    assert judged("test-frozen").share == share


def test_frozen_layers_must_be_pretrained():
    def fresh(model):
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)

    trained(trial.solution, touched=fresh)
    still = [
        p.detach().numpy().tobytes()
        for p in _loaded(trial.solution).parameters()
        if not p.requires_grad
    ]
    note = {"frozen": hashlib.sha256(b"".join(still)).hexdigest()}
    lab.History("transfer", epochs(3), note).write("transfer-history.json")
    verdict = judged("test-frozen")
    assert verdict.share == 0 and "pretrained" in verdict.reasons[0]


def _loaded(solution: dict) -> nn.Module:
    from safetensors.torch import load_file

    model = solution["build_transfer"]()
    model.load_state_dict(load_file("transfer-best.safetensors"))
    return model


def test_nothing_frozen_or_nothing_handed_in_earns_nothing():
    assert judged("test-frozen").share == 0
    trained(trial.solution)
    assert judged("test-frozen", {"freeze": FREEZE_WRONG["nothing"]}).share == 0
    lab.History("transfer", epochs(3), {}).write("transfer-history.json")
    assert judged("test-frozen").share == 0


def test_where_the_published_weights_are_at_hand_they_decide(monkeypatch):
    import sys

    trained(trial.solution)
    published = {
        name.removeprefix("resnet."): value
        for name, value in _loaded(trial.solution).state_dict().items()
    }
    module = sys.modules["skipgrade.lab.backbone"]
    monkeypatch.setattr(module, "published", lambda: published)
    assert judged("test-frozen").share == 1
    published["layer1.0.conv1.weight"] = published["layer1.0.conv1.weight"] + 1
    assert judged("test-frozen").share == 0


@pytest.mark.parametrize(
    ("run", "grade_id"), [("transfer", "test-transfer"), ("hundred", "test-hundred")]
)
def test_more_than_five_epochs_are_too_many(run, grade_id):
    lab.History(run, epochs(6)).write(f"{run}-history.json")
    verdict = judged(grade_id)
    assert verdict.share == 0 and "5 epochs" in verdict.reasons[0]


def test_the_comparison_shows_both_runs():
    transfer, own = lab.History("transfer", epochs(3)), lab.History("tuned", epochs(9, 2.0))
    transfer.write("transfer-history.json")
    own.write("own-history.json")

    def share(figure: object) -> float:
        given = {"transfer_history": transfer, "own_history": own, "compare_figure": figure}
        return judged("test-compare", given=given).share

    assert share(lab.plot_history(transfer, own)) == 1
    assert share(lab.plot_history(transfer, own, metrics=("loss",))) == 1
    assert share(lab.plot_history(transfer)) == 0
    assert share(lab.plot_history(transfer, own, metrics=("accuracy",))) == 0
    assert share(None) == 0
    transfer.write("own-history.json")
    assert share(lab.plot_history(transfer, transfer)) == 0


# Figures --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inside() -> dict:
    """A network with something in its maps, a picture, and both kinds of maps."""
    torch.manual_seed(0)
    model = trial.solution["TransferNet"](10, 64).eval()
    image = F.interpolate(torch.randn(1, 3, 16, 16), size=(256, 256))
    return {
        "transfer_model": model,
        "shown": image,
        "first": trial.solution["first_activations"](model, image)[0],
        "last": trial.solution["last_activations"](model, image)[0],
    }


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
    verdict = judged(f"test-{layer}-figure", given={**inside, f"{layer}_figure": figure})
    assert verdict.share == pytest.approx(share), verdict.reasons


def test_a_silent_map_counts(inside):
    """After a ReLU a filter may be silent for a picture; drawing its map is no mistake."""
    maps = inside["last"]
    with torch.no_grad():
        norm = inside["transfer_model"].resnet.layer4[1].bn2
        kept = norm.weight.clone(), norm.bias.clone()
        norm.bias[4] = -1e6
        silenced = trial.solution["last_activations"](inside["transfer_model"], inside["shown"])[0]
    assert not silenced[4].any() and maps[4].any()
    ten = drawn([colour(inside["shown"][0]), *silenced[:10]])
    earned = judged("test-last-figure", given={**inside, "last_figure": ten}).share
    with torch.no_grad():
        norm.weight.copy_(kept[0])
        norm.bias.copy_(kept[1])
    assert earned == 1


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
    verdict = judged("test-filters-figure", given={**inside, "filters_figure": figure})
    assert verdict.share == share, verdict.reasons


@pytest.mark.parametrize("cell", ["first", "last", "filters"])
@pytest.mark.parametrize("answer", [None, 3, "a figure", []])
def test_no_figure_is_told_so(inside, cell, answer):
    assert judged(f"test-{cell}-figure", given={**inside, f"{cell}_figure": answer}).share == 0


@pytest.mark.parametrize("what", ["shown", "transfer_model"])
def test_a_missing_picture_or_model_is_told_so(inside, what):
    figure = drawn([colour(inside["shown"][0]), *inside["first"][:12]])
    given = {**inside, "first_figure": figure, what: None}
    assert judged("test-first-figure", given=given).share == 0
