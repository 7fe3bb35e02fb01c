"""Can a reader tell from each figure what it shows?"""

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle
from torch import nn

from skipgrade import lab


def history(name: str, start: float, epochs: int = 6) -> lab.History:
    rows = [
        {
            "epoch": epoch,
            "train_loss": 2.3 - 0.1 * epoch,
            "train_accuracy": start + 0.06 * epoch,
            "val_loss": 2.4 - 0.09 * epoch,
            "val_accuracy": start + 0.05 * epoch,
            "learning_rate": 0.1,
            "seconds": 1.0,
        }
        for epoch in range(1, epochs + 1)
    ]
    return lab.History(name, rows)


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def title(axes) -> str:
    return axes.get_legend().get_title().get_text()


def assert_labelled(axes) -> None:
    assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()


def test_a_history_is_drawn_curve_by_curve():
    run = history("lenet5", 0.2)
    figure = lab.plot_history(run)
    loss, accuracy = figure.axes
    for axes, metric in ((loss, "loss"), (accuracy, "accuracy")):
        assert_labelled(axes)
        drawn = dict(zip(legend(axes), axes.get_lines(), strict=True))
        assert np.array(drawn["training"].get_ydata()).tolist() == run[f"train_{metric}"]
        assert np.array(drawn["validation"].get_ydata()).tolist() == run[f"val_{metric}"]
        assert np.array(drawn["validation"].get_xdata()).tolist() == [1, 2, 3, 4, 5, 6]


def test_several_histories_are_told_apart():
    figure = lab.plot_history(history("one", 0.1), history("two", 0.2), metrics=["accuracy"])
    (axes,) = figure.axes
    assert len(set(legend(axes))) == 4
    assert {text.split(",")[0] for text in legend(axes)} == {"one", "two"}


def test_a_sweep_names_every_setting_and_its_best_value():
    figure = lab.plot_sweep({0.1: history("a", 0.2), 0.01: history("b", 0.3)}, label="rate")
    curves, bars = figure.axes
    assert_labelled(curves)
    assert legend(curves) == ["0.1", "0.01"] and title(curves)
    heights = [bar.get_height() for bar in bars.patches if isinstance(bar, Rectangle)]
    assert heights == pytest.approx([0.5, 0.6])
    assert [tick.get_text() for tick in bars.get_xticklabels()] == ["0.1", "0.01"]


def test_a_confusion_matrix_counts_true_rows_and_predicted_columns():
    labels = torch.tensor([0, 0, 0, 1])
    scores = torch.eye(2)[[0, 1, 1, 1]]
    figure = lab.plot_confusion((scores, labels), ["cat", "dog"])
    axes = figure.axes[0]
    assert_labelled(axes)
    shares = axes.images[0].get_array()
    assert shares is not None
    assert shares.tolist() == [pytest.approx([1 / 3, 2 / 3]), [0.0, 1.0]]
    assert "50.0% of 4" in axes.get_title()
    same = lab.plot_confusion(torch.tensor([[1, 2], [0, 1]]), ["cat", "dog"])
    assert same.axes[0].get_title() == axes.get_title()
    with pytest.raises(lab.LabError, match="3 classes"):
        lab.plot_confusion(torch.eye(2), ["a", "b", "c"])


def test_images_carry_the_names_of_their_classes():
    figure = lab.plot_images(torch.randn(5, 3, 8, 8), torch.tensor([1, 0, 1, 0, 1]), ["cat", "dog"])
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["dog", "cat", "dog", "cat", "dog"]
    assert len(axes.images) == 5
    for image, text in zip(axes.images, axes.texts, strict=True):  # each under its own name
        left, right, _, top = image.get_extent()
        assert left < text.get_position()[0] < right
        assert 0 < top - text.get_position()[1] < 0.1
    with pytest.raises(lab.LabError, match="3, h, w"):
        lab.plot_images(torch.zeros(5, 8, 8))


def test_weight_histograms_share_one_scale_and_count_every_weight():
    sparse, dense = nn.Linear(20, 30), nn.Linear(20, 30)
    nn.init.zeros_(sparse.weight)
    figure = lab.plot_weights({"L1": sparse, "L2": dense})
    (axes,) = figure.axes
    assert_labelled(axes)
    names = legend(axes)
    assert names[0].startswith("L1 (100%") and names[1].startswith("L2 (")
    with pytest.raises(lab.LabError, match="no weight matrices"):
        lab.plot_weights({"none": nn.ReLU()})


@pytest.mark.parametrize("plot", [lab.plot_history, lambda: lab.plot_sweep({})])
def test_nothing_to_plot_is_said(plot):
    with pytest.raises(lab.LabError, match="at least one"):
        plot()


def test_jupyter_shows_a_figure_once():
    nbclient, v4 = pytest.importorskip("nbclient"), pytest.importorskip("nbformat.v4")
    call = "lab.plot_images(torch.zeros(2, 3, 8, 8))"
    forms = [call, f"{call};", f"figure = {call}", f"figure = {call}\nfigure"]
    cells = [v4.new_code_cell(f"import torch\nfrom skipgrade import lab\n{form}") for form in forms]
    nbclient.NotebookClient(v4.new_notebook(cells=cells), kernel_name="python3").execute()
    for cell in cells:
        shown = sum("image/png" in output.get("data", {}) for output in cell.outputs)
        assert shown == 1, cell.source
