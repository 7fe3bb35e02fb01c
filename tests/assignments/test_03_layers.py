"""03, formulas and the network of the table: which answers earn their points, which do not?"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from skipgrade.judging.judge.handed_in import HandedIn
from tests.assignments.cnn_design import HEAD, TRIAL, sequential

# Part 1 -------------------------------------------------------------------------------------

SIZE = "def output_size(size, kernel, padding=0, stride=1):\n    "
REFUSE = "if kernel > size + 2 * padding:\n        raise ValueError\n    "
SHAPE = "def output_shape(shape, filters, kernel, padding=(0, 0), stride=(1, 1)):\n    "
PARAMETERS = """
def conv_parameters(channels, filters, kernel, bias=True):
    return {conv}
def linear_parameters(inputs, outputs, bias=True):
    return {linear}
"""


@pytest.mark.parametrize(
    "body",
    [
        "import math\n    "
        + REFUSE
        + "return math.floor((size - kernel + 2*padding) / stride) + 1",
        REFUSE + "return int((size + 2 * padding - kernel) / stride + 1)",
        REFUSE + "return len(range(0, size + 2 * padding - kernel + 1, stride))",
        "import numpy as np\n    "
        + REFUSE
        + "return np.int64((size+2*padding-kernel)//stride + 1)",
    ],
)
def test_sizes_however_they_are_rounded_down(body: str) -> None:
    TRIAL.accepts("test-output-size", {"output-size": SIZE + body})


@pytest.mark.parametrize(
    ("body", "most"),
    [
        ("return (size + 2 * padding - kernel) // stride + 1", 0.75),  # never refuses
        (REFUSE + "return (size + 2 * padding - kernel) // stride * 1.0 + 1", 0.75),  # floats
        (REFUSE + "return round((size + 2 * padding - kernel) / stride) + 1", 0),
        (REFUSE + "return -(-(size + 2 * padding - kernel) // stride) + 1", 0),
        (REFUSE + "return (size + padding - kernel) // stride + 1", 0),
        (REFUSE + "return (size + 2 * padding - kernel + 1) // stride", 0),
        (REFUSE + "return 17 if kernel == 4 else 16 if stride == 2 else 32", 0),
        ("raise ValueError('no room')", 0),  # whatever is asked
        (
            REFUSE.replace("kernel >", "kernel >=")
            + "return (size+2*padding-kernel) // stride + 1",
            0,
        ),
        (
            REFUSE.replace("ValueError", "TypeError")
            + "return (size + 2 * padding - kernel) // stride + 1",
            0.75,
        ),
        ("return 'seventeen'", 0),
        ("return None", 0),
    ],
)
def test_sizes_that_are_wrong(body: str, most: float) -> None:
    verdict = TRIAL.refuses("test-output-size", {"output-size": SIZE + body})
    assert verdict.share <= most, verdict.reasons


@pytest.mark.parametrize(
    ("refuse", "expected", "got"),
    [
        ("", "ValueError", "-?[0-9]+"),
        ("if kernel > size + 2 * padding: return 0\n    ", "ValueError", "0"),
        (REFUSE.replace("ValueError", "TypeError"), "ValueError", "another error"),
    ],
)
def test_a_filter_that_does_not_fit_is_told_by_its_sizes(
    refuse: str, expected: str, got: str
) -> None:
    code = {"output-size": SIZE + refuse + "return (size + 2*padding - kernel) // stride + 1"}
    verdict = TRIAL.refuses("test-output-size", code)
    assert verdict.share == pytest.approx(0.7)
    sizes = r"size=\d+, kernel=\d+, padding=\d+, stride=\d+"
    assert re.search(f"Expected: {expected} for {sizes}\nGot: {got}\n", verdict.reasons[0])


def test_shapes() -> None:
    one = "output_size({0}, kernel[{1}], padding[{1}], stride[{1}])"
    height, width = one.format("shape[0]", 0), one.format("shape[1]", 1)
    right = SHAPE + f"return [{height}, {width}, filters]"
    channels_first = SHAPE + f"return filters, {height}, {width}"
    swapped = SHAPE + "return " + one.format("shape[0]", 1) + ", " + one.format("shape[1]", 0)
    same_channels = SHAPE + f"return {height}, {width}, shape[2]"
    square = SHAPE + f"return {height}, {height}, filters"
    TRIAL.accepts("test-output-shape", {"output-shape": right})
    for wrong in (channels_first, swapped + ", filters", same_channels, square, SHAPE + "return 3"):
        assert TRIAL.refuses("test-output-shape", {"output-shape": wrong}).share == 0


@pytest.mark.parametrize(
    ("conv", "linear", "expected"),
    [
        ("(kernel[0] * kernel[1] * channels + bias) * filters", "(inputs + bias) * outputs", 1),
        ("kernel[0] ** 2 * channels * filters + bias * filters", "(inputs + bias) * outputs", 0.5),
        ("kernel[0] * kernel[1] * channels * filters", "(inputs + bias) * outputs", 0.5),
        ("kernel[0] * kernel[1] * filters + filters * bias", "inputs * outputs + inputs", 0),
        ("1568 if bias else 1536", "10_164", 0),
    ],
)
def test_parameters(conv: str, linear: str, expected: float) -> None:
    code = PARAMETERS.format(conv=conv, linear=linear)
    assert TRIAL.verdict("test-parameters", {"parameters": code}).share == expected


RIGHT_BY_HAND = (
    "dict(conv1=2432, conv2=51264, conv3=204928, dense1=131136, dense2=650, total=390410)"
)


def test_numbers_in_quotes_are_shown_so() -> None:
    answer = {name: str(number) for name, number in TRIAL.solution["by_hand"].items()}
    verdict = TRIAL.refuses("test-by-hand", {"by-hand": f"by_hand = {answer}"})
    assert "Got: '2432'" in verdict.reasons[0]


def test_counting_by_hand_is_marked_line_by_line() -> None:
    def share(answer: str) -> float:
        return TRIAL.verdict("test-by-hand", {"by-hand": f"by_hand = {answer}"}).share

    assert share(RIGHT_BY_HAND) == 1
    slip = RIGHT_BY_HAND.replace("131136", "8256").replace("390410", "267530")  # not 128 inputs
    assert share(slip) == pytest.approx(0.6)
    assert share("{'total': 390410}") == pytest.approx(0.25)
    assert share("390410") == pytest.approx(0)


ONE_BY_ONE = """
by_hand = {}
by_hand["conv1"] = 5 * 5 * 3 * 32 + 32
by_hand["conv2"] = (5**2 * 32 + 1) * 64
by_hand["conv3"] = conv_parameters(64, 128, (5, 5))
by_hand["dense1"] = linear_parameters(4 * 4 * 128, 64)
by_hand.update(dense2=650)
by_hand["total"] = sum(by_hand.values())
"""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f"by_hand = {RIGHT_BY_HAND}", 1),
        (ONE_BY_ONE, 1),
        (ONE_BY_ONE.replace("= 5 *", "= 6 *"), 0.6),
        ("by_hand = {}\nraise NotImplementedError()", 0),
        ("by_hand = eval('{}')", 0),
    ],
)
def test_counting_by_hand_is_read_in_the_notebook(
    tmp_path: Path, written: str, expected: float
) -> None:
    """Whatever the process holds: it says what is right."""
    cells = [nbformat.v4.new_code_cell(written)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "handed-in.ipynb")
    verdict = TRIAL.verdict("test-by-hand", handed_in=HandedIn(tmp_path, "handed-in"))
    assert verdict.share == pytest.approx(expected), verdict.reasons


def test_what_the_solution_writes_down_can_be_read() -> None:
    path = TRIAL.source.path
    told = HandedIn(path.parent, path.stem).entries("by_hand", dict)
    assert told == TRIAL.solution["by_hand"]


def test_counting_by_code() -> None:
    head = "def count_parameters(net):\n    return "
    for right in (
        "sum(p.nelement() for p in net.parameters() if p.requires_grad)",
        "sum(torch.tensor(p.shape).prod().item() for _, p in net.named_parameters())",
    ):
        TRIAL.accepts("test-by-code", {"by-code": head + right})
    for wrong in (
        "sum(t.numel() for t in net.state_dict().values())",  # running means too
        "sum(p.numel() for p in net.parameters(recurse=False))",
        "sum(p.numel() for p in net.parameters() if p.ndim > 1)",  # no biases
        "len(list(net.parameters()))",
        "sum(p.numel() for m in net.modules() if not isinstance(m, nn.Sequential) "
        "for p in m.parameters())",  # once for every module around it
        "sum(p.numel() for name, p in net.named_parameters() if 'weight' in name or "
        "'bias' in name)",
        "sum(m.weight.numel() + (0 if m.bias is None else m.bias.numel()) "
        "for m in net.modules() if hasattr(m, 'weight'))",
        "sum(p.numel() for p in net.parameters() if p.ndim in (1, 2, 4))",
    ):
        TRIAL.refuses("test-by-code", {"by-code": head + wrong})


# Part 2: the network ------------------------------------------------------------------------


FUNCTIONAL = """
class ThreeConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(64, 10)
        self.hidden = nn.Linear(2048, 64)
        sizes = ((128, 64), (64, 32), (32, 3))
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 5, padding="same") for o, i in sizes)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
    def forward(self, x):
        for conv in reversed(self.convs):
            x = self.pool(conv(x)).clamp(min=0)
        return self.out(torch.relu_(self.hidden(x.reshape(len(x), -1))))
"""


def test_the_network_however_it_is_written() -> None:
    inplace = sequential("nn.ReLU(inplace=True), nn.MaxPool2d(2, 2)")
    pool_first = sequential("nn.MaxPool2d(2), nn.ReLU()")
    for right in (FUNCTIONAL, inplace, pool_first):
        TRIAL.accepts("test-three-conv", {"three-conv": right})


@pytest.mark.parametrize(
    "wrong",
    [
        sequential(head=HEAD + ", nn.Softmax(1)"),
        sequential(head=HEAD + ", nn.LogSoftmax(1)"),
        sequential(head=HEAD.replace("nn.ReLU(), ", "")),
        sequential(head=HEAD + ", nn.ReLU()"),
        sequential(head=HEAD.replace("nn.ReLU()", "nn.ReLU(), nn.Dropout(0.5)")),
        sequential("nn.MaxPool2d(2)"),
        sequential("nn.ReLU(), nn.AvgPool2d(2)"),
        sequential("nn.ReLU(), nn.BatchNorm2d(filters), nn.MaxPool2d(2)"),
        sequential("nn.Sigmoid(), nn.MaxPool2d(2)"),
        sequential(head=HEAD.replace("2048", "512"), padding=0),
        sequential(head=HEAD.replace("64", "84")),
        FUNCTIONAL.replace('"same"', '"same", bias=False'),
        FUNCTIONAL.replace('"same"', '"same", padding_mode="circular"'),
        "class ThreeConvNet(nn.Module): pass",
        "ThreeConvNet = 7",
    ],
)
def test_networks_that_are_not_the_one_of_the_table(wrong: str) -> None:
    assert TRIAL.refuses("test-three-conv", {"three-conv": wrong}).share == 0


def test_stubs_earn_nothing() -> None:
    written = ("output-size", "output-shape", "parameters", "by-hand", "by-code", "three-conv")
    stubs = dict.fromkeys((*written, "models"), "raise NotImplementedError()")
    assert len(TRIAL.source.tests) == 15
    for grade_id in TRIAL.source.tests:
        assert TRIAL.refuses(grade_id, stubs).share == 0
