"""08: right answers in many styles earn everything, wrong ones lose points."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assignments.transfer import as_in_grading, trial  # noqa: F401 (a fixture)


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
    "a hook that stays": """
def first_activations(model, images):
    kept = {}
    def keep(module, given, output):
        kept["maps"] = output.detach()
    model.resnet.conv1.register_forward_hook(keep)
    with torch.no_grad():
        model.resnet(images)
    return kept["maps"]""",
    "a hook for all calls": """
def first_activations(model, images):
    if not hasattr(model, "kept"):
        model.kept = {}
        model.resnet.conv1.register_forward_hook(lambda m, i, o: model.kept.update(x=o.detach()))
    with torch.no_grad():
        model.resnet(images)
    return model.kept["x"]""",
    "functional": """
def first_activations(model, images):
    return F.conv2d(images, model.resnet.conv1.weight, stride=2, padding=3)""",
}
FIRST_WRONG = {
    "batch norm as well": "def first_activations(m, x): return m.resnet.bn1(m.resnet.conv1(x))",
    "relu as well": "def first_activations(m, x): return m.resnet.conv1(x).relu()",
    "a hook on the batch norm": """
def first_activations(model, images):
    kept = []
    model.resnet.bn1.register_forward_hook(lambda m, i, o: kept.append(o.detach().clone()))
    with torch.no_grad():
        model.resnet(images)
    return kept[0]""",
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
    "a hook that stays": """
def last_activations(model, images):
    was, kept = model.training, {}
    model.resnet.layer4.register_forward_hook(lambda m, i, o: kept.update(maps=o.detach()))
    model.eval()
    with torch.no_grad():
        model.resnet(images)
    model.train(was)
    return kept["maps"]""",
    "on a copy": """
import copy
def last_activations(model, images):
    stages = nn.Sequential(*list(copy.deepcopy(model).resnet.children())[:-2]).eval()
    with torch.inference_mode():
        return stages(images).clone()""",
    "detached": """
def last_activations(model, images):
    was = model.training
    maps = nn.Sequential(*list(model.eval().resnet.children())[:-2])(images)
    model.train(was)
    return maps.detach()""",
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
    "with gradients": LAST_RIGHT["detached"].replace(".detach()", ""),
    "in training mode for good": f"""
def last_activations(m, x):
    m.eval()
    with torch.no_grad():
        maps = {STAGES}(x)
    m.train(not m.training)
    return maps""",
    "eval of a part for good": f"def last_activations(m, x): return {STAGES}.eval()(x)",
}


FREEZE_PARTLY = {
    "the network inside": f"{FREEZE_RIGHT['by name'].replace('return model', 'return model.resnet')}",
    "a copy": "import copy\n"
    + FREEZE_RIGHT["by name"].replace(
        "    for name", "    model = copy.deepcopy(model)\n    for name"
    ),
}


TABLE: dict[str, tuple[Any, ...]] = {
    "test-prepare": ("prepare", PREPARE_RIGHT, PREPARE_WRONG, {}),
    "test-net": ("net", NET_RIGHT, NET_WRONG, NET_PARTLY),
    "test-freeze": ("freeze", FREEZE_RIGHT, FREEZE_WRONG, FREEZE_PARTLY),
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
    verdict = trial.verdict(test)
    assert verdict.share == 1, verdict.reasons


@pytest.mark.parametrize(("test", "cell", "code"), rows(1))
def test_a_right_answer_in_another_style_earns_everything(test, cell, code):
    verdict = trial.verdict(test, {cell: code})
    assert verdict.share == 1, verdict.reasons


@pytest.mark.parametrize(("test", "cell", "code"), rows(2))
def test_a_wrong_answer_earns_nothing(test, cell, code):
    verdict = trial.verdict(test, {cell: code})
    assert verdict.share == 0 and verdict.reasons


@pytest.mark.parametrize(("test", "cell", "code"), rows(3))
def test_an_answer_with_one_thing_wrong_loses_points(test, cell, code):
    verdict = trial.verdict(test, {cell: code})
    assert verdict.share < 1 and verdict.reasons


def test_gradients_that_nobody_needs_cost_a_quarter():
    verdict = trial.verdict("test-last", {"last-activations": LAST_PARTLY["with gradients"]})
    assert verdict.share == 0.75 and "no_grad" in str(verdict.reasons)


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
        assert trial.verdict(test, own).share == 1
