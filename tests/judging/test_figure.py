"""check.figure: what has to be in a plot, however it is made."""

from __future__ import annotations

import pytest

from tests.judging.trial import judge

SETUP = """
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
plt.close("all")
train, val = [0.3, 0.5, 0.6], [0.2, 0.4, 0.5]
"""
FIGURE = (
    SETUP
    + """
figure, ax = plt.subplots()
ax.plot([1, 2, 3], train, label="training")
ax.plot([1, 2, 3], val, label="validation")
ax.set_xlabel("epoch"); ax.set_ylabel("accuracy"); ax.legend()
"""
)
PANELS = (
    SETUP
    + """
figure, (left, right) = plt.subplots(1, 2, sharey=True)
left.plot([1, 2, 3], train, label="training"); right.plot([1, 2, 3], val, label="validation")
left.set(xlabel="epoch", title="seen"); right.set(xlabel="epoch", title="held out")
left.set_ylabel("accuracy")
figure.legend()
"""
)
HIDDEN = """
check.figure('figure', curves={'training': 'train', 'validation': 'val'}, length='len(train)')
"""

RIGHT = {
    "axes": FIGURE + "figure = ax",
    "array of axes": FIGURE + "import numpy as np\nfigure = np.array([ax])",
    "two panels, an empty one": FIGURE.replace("plt.subplots()", "plt.subplots(1, 2)").replace(
        "figure, ax =", "figure, (ax, spare) ="
    ),
    "pyplot style, numpy": SETUP
    + """
import numpy as np
figure = plt.figure()
plt.plot(np.array(val), "--", label="held out"); plt.plot(np.array(train), label="seen")
plt.xlabel("epoch"); plt.ylabel("share right"); plt.legend()
""",
    "panels that share an axis, and a legend of the whole figure": PANELS,
    "axes that say more": FIGURE.replace('"epoch"', '"epoch of best accuracy dotted"').replace(
        '"accuracy")', '"accuracy of each epoch")'
    ),
    "named epochs": FIGURE.replace("[1, 2, 3]", "['first', 'second', 'third']"),
    "minutes for epochs": FIGURE.replace("[1, 2, 3]", "[0.5, 1.1, 1.6]"),
    "the line twice": FIGURE + "ax.plot([1, 2, 3], val, 'o', label='validation')",
    "names in the legend alone": FIGURE.replace("label=", "gid=").replace(
        "ax.legend()", "ax.legend(['seen in training', 'not seen'])"
    ),
    "dots": FIGURE.replace("ax.plot(", "ax.scatter("),
    "a line and its dots": FIGURE + "ax.scatter([1, 2, 3], val, label='validation')",
    "a line and the best of it": FIGURE + "ax.scatter([3], val[-1:], label='best')",
    "two axes in one place": SETUP
    + """
figure, ax = plt.subplots(); twin = ax.twinx()
lines = [*ax.plot([1, 2, 3], train, "C0"), *twin.plot([1, 2, 3], val, "C1")]
ax.legend(lines, ["train acc", "val acc"])
ax.set(xlabel="epoch", ylabel="accuracy"); twin.set(ylabel="accuracy")
""",
    "the name of what it is not": FIGURE.replace('"validation"', '"new images (no training)"'),
    "a name in two panels": PANELS.replace('label="validation"', 'label="training"').replace(
        "figure.legend()", "right.plot([1, 2, 3], val, label='validation')\nfigure.legend()"
    ),
    "labels of the whole figure": PANELS.replace('xlabel="epoch", ', "").replace(
        'left.set_ylabel("accuracy")', 'figure.supxlabel("epoch"); figure.supylabel("accuracy")'
    ),
}
WRONG = {
    "panels of their own, one without a label": (
        PANELS.replace(", sharey=True", ""),
        "label on every y axis",
    ),
    "panels that share an axis nobody names": (
        PANELS.replace('left.set_ylabel("accuracy")', ""),
        "label on every y axis",
    ),
    "no label": (FIGURE.replace('ax.set_ylabel("accuracy"); ', ""), "label on every y axis"),
    "axes exchanged": (
        FIGURE.replace('"epoch"', '"Accuracy"').replace('"accuracy"', '"Epochs"'),
        "exchanged",
    ),
    "no legend": (FIGURE.replace("ax.legend()", ""), "legend"),
    "one curve": (
        FIGURE.replace('ax.plot([1, 2, 3], val, label="validation")', ""),
        "values of validation",
    ),
    "rounded values": (FIGURE.replace("val, label", "[0.199, 0.4, 0.5], label"), "rounded"),
    "dots without a legend": (
        FIGURE.replace("ax.plot(", "ax.scatter(").replace("ax.legend()", ""),
        "legend",
    ),
    "invented values": (FIGURE.replace("val, label", "[0.9, 0.9, 0.9], label"), "validation"),
    "names swapped": (
        FIGURE.replace('train, label="training"', 'train, label="validation"').replace(
            'val, label="validation"', 'val, label="training"'
        ),
        "under its own name",
    ),
    "names swapped, in short": (
        FIGURE.replace('"training"', '"val acc"').replace('"validation"', '"train acc"'),
        "under its own name",
    ),
    "names swapped in the legend": (
        FIGURE.replace("ax.legend()", "ax.legend(['validation', 'training'])"),
        "under its own name",
    ),
    "names swapped in the legend of lines": (
        FIGURE.replace("ax.legend()", "ax.legend(ax.get_lines(), ['validation', 'training'])"),
        "under its own name",
    ),
    "one name for two lines": (
        FIGURE.replace("label=", "label='the run', gid="),
        "several called the run",
    ),
    "against each other": (FIGURE.replace("[1, 2, 3], val", "[.9, .7, .8], val"), "turns back"),
    "epochs drawn as a line": (
        FIGURE.replace("ax.plot([1, 2, 3], train,", "ax.plot([1, 2, 3], '--', train,"),
        "two lines with its name",
    ),
    "all in one place": (FIGURE.replace("[1, 2, 3], val", "[1, 1, 1], val"), "left to right"),
    "against nothing": (FIGURE.replace("[1, 2, 3], val", "[1, np.nan, 3], val"), "left to right"),
    "another length": (FIGURE + "ax.plot([1, 2], [0, 1])", "3 points"),
    "empty": (SETUP + "figure = plt.figure()", "empty"),
    "not a figure": (SETUP + "figure = 3", "not a matplotlib figure"),
    "none": (SETUP, "NameError"),
}


@pytest.mark.parametrize("way", RIGHT)
def test_right_figures(way: str) -> None:
    verdict = judge(HIDDEN, RIGHT[way], FIGURE)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_figures(mistake: str) -> None:
    code, word = WRONG[mistake]
    verdict = judge(HIDDEN, code, FIGURE)
    assert verdict.share == 0.0 and verdict.internal_error == ""
    assert word in verdict.reasons[0]


def test_number_of_curves() -> None:
    assert judge("check.figure('figure', curves=2)", FIGURE, FIGURE).share == 1.0
    assert judge("check.figure('figure', curves=3)", FIGURE, FIGURE).share == 0.0


def test_bars_and_images_count_as_drawn() -> None:
    bars = SETUP + "figure, ax = plt.subplots()\nax.bar([1], [2])\nax.set(xlabel='a', ylabel='b')"
    steps = bars.replace("ax.bar([1], [2])", "ax.hist([1, 2, 2], histtype='step')")
    assert judge("check.figure('figure')", steps, FIGURE).share == 1.0
    image = SETUP + "figure, ax = plt.subplots()\nax.imshow([[1]])"
    assert judge("check.figure('figure')", bars, FIGURE).share == 1.0
    assert judge("check.figure('figure')", image, FIGURE).share == 1.0


@pytest.mark.parametrize(("allowed", "drawn", "share"), [
    (True, "[100 * v for v in train]", 1.0), (True, "train", 1.0), (True, "[10 * v for v in train]", 0.0),
    (False, "[100 * v for v in train]", 0.0),
])  # fmt: skip
def test_fractions_may_be_drawn_in_percent_if_the_text_says_so(
    allowed: bool, drawn: str, share: float
) -> None:
    hidden = f"check.figure('figure', curves={{'training': [0.3, 0.5, 0.6]}}, percent={allowed})"
    code = FIGURE.replace("train, label", f"{drawn}, label")
    assert judge(hidden, code, FIGURE).share == share


MEASURED = (
    SETUP
    + """
figure, (left, right) = plt.subplots(1, 2)
left.plot([1, 2, 3], train, label="plain"); right.plot([1, 2, 3], val, label="plain")
left.set(xlabel="epoch", ylabel="loss"); right.set(xlabel="epoch", ylabel="accuracy")
"""
)
SHARED = "left.sharey(right); "
MEASURES = "check.figure('figure', curves={'plain training loss': 'train', 'test accuracy': 'val'}, legend=False)"
SAYS = {
    "as it is": ("", 1.0),
    "short": ("right.set(ylabel='acc. (%)'); left.set(ylabel='Cross-Entropy')", 1.0),
    "both on each": ("[ax.set(ylabel='loss, accuracy') for ax in (left, right)]", 1.0),
    "titles tell": ("left.set(title='Training loss', ylabel='accuracy')", 1.0),
    "nothing of the kind": ("left.set(ylabel='y'); right.set(ylabel='y', title='PlainNet18')", 1.0),
    "a second y axis": (
        "right.remove(); right = left.twinx(); right.plot([1, 2, 3], val, 'r', label='test')\n"
        "right.set(ylabel='accuracy')", 1.0,
    ),
    "one label for both": (SHARED + "left.set(ylabel='loss'); right.set(ylabel='')", 1.0),
    "a shared label, and one's own": (SHARED + "left.set(ylabel='y'); right.set(ylabel='loss')", 0.0),
    "a label for the whole figure": (
        "[ax.set(ylabel='') for ax in (left, right)]; figure.supylabel('loss')", 1.0,
    ),
    "titles at the side": (
        "left.set_title('Accuracy', loc='left'); left.set(ylabel='y')", 0.0,
    ),
    "exchanged": ("left.set(ylabel='accuracy'); right.set(ylabel='loss')", 0.0),
    "exchanged titles": (
        "left.set(ylabel='y', title='Accuracy'); right.set(ylabel='y', title='Loss')", 0.0,
    ),
    "loss twice": ("right.set(ylabel='Loss')", 0.0),
}  # fmt: skip


@pytest.mark.parametrize("way", SAYS)
def test_a_panel_says_what_it_measures(way: str) -> None:
    """Or nothing; but not the one measure where it shows the other."""
    code, share = SAYS[way]
    verdict = judge(MEASURES, MEASURED + code, MEASURED)
    assert verdict.share == share, verdict.reasons
    assert share or "to say so" in verdict.reasons[0]
