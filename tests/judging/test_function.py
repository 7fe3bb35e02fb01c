"""check.function: which differences matter, and which are the author's own affair."""

from __future__ import annotations

import pytest

from skipgrade.judging.verdict import HiddenTestError
from tests.judging.trial import judge

LENET = """
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))
"""
BLOCK = """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.short = nn.Conv2d(4, 8, 1, stride=2, bias=False)
        self.bn3 = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.3)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(self.drop(out)))
        return F.relu(out + self.bn3(self.short(x)))
"""
ON_LENET = "check.function('LeNet()', x=images(3))"
ON_BLOCK = "check.function('Block()', x=images(4, size=8)[:, :1].repeat(1, 4, 1, 1))"

RIGHT_LENETS = {
    "other names, Sequential": """
        def LeNet():
            return nn.Sequential(
                nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(inplace=True),
                nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84),
                nn.ReLU(), nn.Linear(84, 10))
    """,
    "registered backwards, pooled before ReLU": """
        class LeNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.e, self.d, self.c = nn.Linear(84, 10), nn.Linear(120, 84), nn.Linear(400, 120)
                self.b, self.a = nn.Conv2d(6, 16, 5), nn.Conv2d(3, 6, 5)
            def forward(self, images):
                h = torch.relu(nn.MaxPool2d(2)(self.a(images)))
                h = torch.relu(nn.MaxPool2d(2)(self.b(h)))
                h = self.c(h.reshape(len(images), -1)).clamp(min=0)
                return self.e(self.d(h).relu())
    """,
    "functional, weights as plain parameters": """
        class LeNet(nn.Module):
            def __init__(self):
                super().__init__()
                shapes = [(6, 3, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84)]
                self.w = nn.ParameterList([nn.Parameter(torch.randn(s)) for s in shapes])
                self.b = nn.ParameterList([nn.Parameter(torch.zeros(s[0])) for s in shapes])
            def forward(self, x):
                for i in range(2):
                    x = F.max_pool2d(F.relu(F.conv2d(x, self.w[i], self.b[i])), 2)
                x = x.flatten(1)
                for i in range(2, 4):
                    x = F.relu(F.linear(x, self.w[i], self.b[i]))
                return F.linear(x, self.w[4], self.b[4])
    """,
    "matrix products by hand": LENET.replace(
        "self.fc3(F.relu(self.fc2(x)))", "F.relu(self.fc2(x)) @ self.fc3.weight.t() + self.fc3.bias"
    ),
    "float32 only": LENET.replace("x = F.max_pool2d(F.relu(self.conv1(x)), 2)",
        "x = F.max_pool2d(F.relu(self.conv1(x.float())), 2)"),
    "a bias less": LENET.replace("nn.Conv2d(3, 6, 5)", "nn.Conv2d(3, 6, 5, bias=False)"),
    "layers never used": LENET.replace("self.fc1 =", "self.idle = nn.Linear(3, 3); self.fc1 ="),
    "C5 as a 5x5 convolution": LENET.replace("nn.Linear(400, 120)", "nn.Conv2d(16, 120, 5)")
        .replace("x.flatten(1))", "x)).flatten(1"),
    "all layers convolutions": LENET.replace("nn.Linear(400, 120)", "nn.Conv2d(16, 120, 5)")
        .replace("nn.Linear(84, 10)", "nn.Conv2d(84, 10, 1)")
        .replace("nn.Linear(120, 84)", "nn.Conv2d(120, 84, 1)")
        .replace("x.flatten(1)", "x")
        .replace("self.fc3(F.relu(self.fc2(x)))", "self.fc3(F.relu(self.fc2(x)))[:, :, 0, 0]"),
    "a convolution, and a matrix the other way round": LENET
        .replace("nn.Linear(400, 120)", "nn.Conv2d(16, 120, 5)")
        .replace("nn.Linear(84, 10)", "nn.Parameter(torch.zeros(84, 10))")
        .replace("x.flatten(1))", "x)).flatten(1")
        .replace("self.fc3(F.relu(self.fc2(x)))", "F.relu(self.fc2(x)) @ self.fc3"),
    "a Variable": LENET.replace("self.conv1(x)", "self.conv1(torch.autograd.Variable(x))"),
    "a batch norm used as identity is absent, prints": LENET.replace(
        "def forward(self, x):", "def forward(self, x):\n        print('hello')"),
}  # fmt: skip

WRONG_LENETS = {
    "no activation after fc1": LENET.replace("F.relu(self.fc1(x.flatten(1)))", "self.fc1(x.flatten(1))"),
    "average pooling": LENET.replace("F.max_pool2d", "F.avg_pool2d"),
    "softmax at the end": LENET.replace(
        "return self.fc3(F.relu(self.fc2(x)))", "return F.softmax(self.fc3(F.relu(self.fc2(x))), 1)"),
    "ReLU at the end": LENET.replace(
        "return self.fc3(F.relu(self.fc2(x)))", "return F.relu(self.fc3(F.relu(self.fc2(x))))"),
    "another activation": LENET.replace("F.relu", "F.leaky_relu"),
    "padding": LENET.replace("nn.Conv2d(3, 6, 5)", "nn.Conv2d(3, 6, 5, padding=2)").replace("400", "576"),
    "C5 as a padded convolution": LENET.replace("nn.Linear(400, 120)", "nn.Conv2d(16, 120, 5, padding=1)")
        .replace("x.flatten(1))", "x)).mean((2, 3)"),
    "C5 as a convolution of smaller filters": LENET.replace("nn.Linear(400, 120)", "nn.Conv2d(16, 120, 4)")
        .replace("x.flatten(1))", "x)).amax((2, 3)"),
    "flattened the other way": LENET.replace("x.flatten(1)", "x.transpose(1, 2).flatten(1)"),
    "gradients cut off": LENET.replace("x.flatten(1)", "x.detach().flatten(1)"),
    "dropout nobody asked for": LENET.replace("self.fc2(x)", "self.fc2(F.dropout(x, 0.5, self.training))"),
    "not a model": "LeNet = lambda: 3",
    "everything equal": """
        class Yes:
            def __eq__(self, other): return True
            def __call__(self, *args, **kwargs): return self
            def __getattr__(self, name): return self
        LeNet = Yes()
    """,
    "the stub": "class LeNet(nn.Module):\n    def __init__(self):\n        raise NotImplementedError()",
}  # fmt: skip


@pytest.mark.parametrize("style", RIGHT_LENETS)
def test_right_however_it_is_written(style: str) -> None:
    verdict = judge(ON_LENET, RIGHT_LENETS[style], LENET)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("mistake", WRONG_LENETS)
def test_wrong_is_found(mistake: str) -> None:
    verdict = judge(ON_LENET, WRONG_LENETS[mistake], LENET)
    assert verdict.share == 0.0
    assert "Expected:" in verdict.reasons[0] and "Got:" in verdict.reasons[0]


HEAD = """
def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), {})
"""
POOL = "nn.AdaptiveAvgPool2d(1)"


@pytest.mark.parametrize(
    ("head", "share"),
    [
        (f"{POOL}, nn.Conv2d(4, 5, 1), nn.Flatten()", 1.0),
        (f"nn.Conv2d(4, 5, 1), {POOL}, nn.Flatten()", 1.0),
        (f"nn.Conv2d(4, 5, 1), nn.ReLU(), {POOL}, nn.Flatten()", 0.0),
        (f"nn.Conv2d(4, 5, 1, stride=2), {POOL}, nn.Flatten()", 0.0),
        (f"nn.Conv2d(4, 5, 3), {POOL}, nn.Flatten()", 0.0),
    ],
)
def test_a_linear_layer_may_be_a_convolution_of_one_pixel(head: str, share: float) -> None:
    linear = HEAD.format(f"{POOL}, nn.Flatten(), nn.Linear(4, 5)")
    verdict = judge("check.function('net()', x=images(3, size=9))", HEAD.format(head), linear)
    assert verdict.share == share, verdict.reasons


RIGHT_BLOCKS = {
    "shortcut first": BLOCK.replace(
        "out = F.relu(self.bn1(self.conv1(x)))",
        "side = self.bn3(self.short(x))\n        out = F.relu(self.bn1(self.conv1(x)))",
    ).replace("out + self.bn3(self.short(x))", "side + out"),
    "in place": BLOCK.replace(
        "return F.relu(out + self.bn3(self.short(x)))",
        "out += self.bn3(self.short(x))\n        return out.relu_()",
    ),
    "convolutions with biases": BLOCK.replace("bias=False", "bias=True"),
}
WRONG_BLOCKS = {
    "ReLU before the addition": BLOCK.replace(
        "F.relu(out + self.bn3(self.short(x)))", "F.relu(out) + self.bn3(self.short(x))"),
    "no shortcut": BLOCK.replace("out + self.bn3(self.short(x))", "out"),
    "shortcut without its norm": BLOCK.replace("self.bn3(self.short(x))", "self.short(x)"),
    "one layer for two": BLOCK.replace("self.bn2(self.conv2", "self.bn1(self.conv2"),
    "norm frozen in eval mode": BLOCK.replace(
        "self.bn1(self.conv1(x))", "self.bn1.eval()(self.conv1(x))"),
    "no dropout": BLOCK.replace("self.drop(out)", "out"),
    "another epsilon": BLOCK.replace("nn.BatchNorm2d(8)", "nn.BatchNorm2d(8, eps=0.1)"),
    "an input cut off": BLOCK.replace("self.conv1(x)", "self.conv1(x.detach())"),
    "an activation that bends for large values alone": BLOCK.replace(
        "return F.relu(", "return F.hardtanh(").replace("(self.short(x)))", "(self.short(x)), 0, 25)"),
    "norm without scale": BLOCK.replace("nn.BatchNorm2d(8)", "nn.BatchNorm2d(8, affine=False)"),
}  # fmt: skip


@pytest.mark.parametrize("style", RIGHT_BLOCKS)
def test_right_block(style: str) -> None:
    verdict = judge(ON_BLOCK, RIGHT_BLOCKS[style], BLOCK)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("mistake", WRONG_BLOCKS)
def test_wrong_block(mistake: str) -> None:
    assert judge(ON_BLOCK, WRONG_BLOCKS[mistake], BLOCK).share == 0.0


def test_missing_dropout_passes_where_only_eval_mode_is_asked_for() -> None:
    hidden = ON_BLOCK.replace("x=images", "train=False, x=images")
    assert judge(hidden, WRONG_BLOCKS["no dropout"], BLOCK).share == 1.0


SWISH = "def swish(x):\n    return x * torch.sigmoid(x)"


@pytest.mark.parametrize(
    ("student", "share"),
    [
        ("swish = nn.SiLU()", 1.0),
        ("def swish(x):\n    return x / (1 + torch.exp(-x))", 1.0),
        ("def swish(x):\n    return x * torch.sigmoid(2 * x)", 0.0),
        ("def swish(x):\n    return x * torch.sigmoid(x).detach()", 0.0),
        ("def swish(x):\n    return x.mul_(torch.sigmoid(x))", 0.75),
    ],
)
def test_plain_function_and_its_gradient(student: str, share: float) -> None:
    verdict = judge("check.function('swish', x=images(2, size=4))", student, SWISH)
    assert verdict.share == share, verdict.reasons


NORM = "import torch\nfrom torch import nn\ndef net():\n    return {}\n"


@pytest.mark.parametrize(
    ("student", "share"),
    [("nn.BatchNorm2d(3)", 1.0), ("nn.BatchNorm2d(3, momentum=0.01)", 0.75)],
)
def test_running_statistics_are_compared(student: str, share: float) -> None:
    hidden = "check.function('net()', x=images(4, size=4))"
    verdict = judge(hidden, NORM.format(student), NORM.format("nn.BatchNorm2d(3)"))
    assert verdict.share == share, verdict.reasons


COUNTED = """
from torch import nn
class net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)
    def forward(self, x):
        x = self.fc(x.flatten(1))
        return x * len(x) / (len(x) - 1) if self.training else x
"""


@pytest.mark.parametrize(("off", "share"), [("- 1", 1.0), ("- 2", 0.0)])
def test_train_mode_may_know_the_size_of_the_batch(off: str, share: float) -> None:
    student = COUNTED.replace("- 1", off)
    assert judge("check.function('net()', x=torch.randn(4, 8))", student, COUNTED).share == share


def test_messages_show_no_hidden_arguments() -> None:
    hidden = "check.function('LeNet()', x=images(3 + 4711 * 0))"
    reason = judge(hidden, WRONG_LENETS["average pooling"], LENET).reasons[0]
    assert "4711" not in reason and "images(" not in reason and "LeNet()" not in reason


def test_own_exception_text_is_not_passed_on() -> None:
    spy = LENET.replace(
        "def forward(self, x):", "def forward(self, x):\n        raise ValueError(x)"
    )
    reason = judge(ON_LENET, spy, LENET).reasons[0]
    assert "ValueError" in reason and "tensor" not in reason


PLAIN_BLOCK = """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
    def forward(self, x):
        return F.relu(x + self.conv(x))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(nn.Conv2d(3, 3, 1), Block(), Block())
    def forward(self, x):
        return self.blocks(x)
"""
IN_PLACE = {
    "the sum": "out = self.conv(x)\n        x += out\n        return F.relu(x)",
    "the activation of what a layer needs": "out = self.conv(x)\n        return F.relu(x.relu_() + out)",
}  # fmt: skip


@pytest.mark.parametrize("way", IN_PLACE)
def test_a_block_that_cannot_learn_is_told_so_and_costs_once(way: str) -> None:
    """PyTorch has no gradients where a step changed in place what the way back needs."""
    student = PLAIN_BLOCK.replace("return F.relu(x + self.conv(x))", IN_PLACE[way])
    block = judge("check.function('Block()', x=images(3))", student, PLAIN_BLOCK)
    assert block.share == 0.0 and block.internal_error == ""
    if way == "the sum":
        assert "in place" in block.reasons[0] or "inplace" in block.reasons[0], block.reasons
    hidden = (
        "check.function('Block()', x=images(3))\n"
        "check.function('Net()', x=images(3), made_of=['Block'], worth=0.5)"
    )
    both = judge(hidden, student, PLAIN_BLOCK)
    assert both.internal_error == "", both.internal_error


def test_a_solution_without_gradients_is_the_courses_fault() -> None:
    wrong = PLAIN_BLOCK.replace("return F.relu(x + self.conv(x))", IN_PLACE["the sum"])
    with pytest.raises(HiddenTestError, match="the solution has no gradients"):
        judge("check.function('Block()', x=images(3))", PLAIN_BLOCK, wrong)
