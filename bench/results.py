"""The tables of reference runs in docs/results.md, and their curves, from bench/measured.

    .venv/bin/python bench/results.py          # writes both; `make results` does this

`missed` is the share of honest runs expected below the bar, if accuracies spread normally around
the mean. The spread is that of the runs themselves, but never less than half a point; where there
is one run alone it is taken to be the largest of all.
"""

import json
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt

ROOT = Path(__file__).parents[1]
MEASURED = ROOT / "bench" / "measured" / "gpu-h100.json"
TABLE = ROOT / "docs" / "results.md"
FIGURE = ROOT / "docs" / "reference-runs.png"
BEGIN, END = "<!-- reference runs: by `make results` -->", "<!-- end of reference runs -->"
LEAST_SPREAD = 0.005


@dataclass(frozen=True)
class Asked:
    """What an assignment promises of a run and asks of it."""

    run: str
    what: str
    promised: str
    bar: float
    images: int
    spread: float | None = None  # of a run that was finished once: what others of it tell


ASKED = (
    Asked("01 lenet5", "01 LeNet-5", "63%", 0.63, 45_000),
    Asked("02 tuned", "02 batch norm, Swish, crop and flip", "70%", 0.70, 45_000),
    Asked("03 three convolutions", "03 three convolutions", "none", 0.0, 45_000),
    Asked("03 model one", "03 model one of the answer", "75%", 0.75, 45_000),
    Asked("03 model two", "03 model two of the answer", "75%", 0.75, 45_000),
    Asked("04 plain", "04 PlainNet18, width 64", "none", 0.62, 50_000),
    Asked("04 residual", "04 ResNet18, width 64", "none", 0.65, 50_000),
    Asked("04 mobile", "04 MobileNet18, width 64", "none", 0.58, 50_000),
    Asked("05 resnet20, 80 epochs", "05 ResNet-20, test images", "91.25% (paper)", 0.0, 45_000),
    Asked("05 final test", "05 the same, final test", "90% of ordinary images", 0.88, 45_000),
    Asked("06 resnet18", "06 ResNet-18, width 64", "above 91%", 0.89, 45_000, spread=0.0097),
    Asked("06 resnet18, 30 epochs", "06 the same, 30 epochs", "above 91%", 0.89, 45_000),
    Asked("06 resnet50", "06 ResNet-50, width 64", "none", 0.0, 45_000),
    Asked("07 resnet", "07 the recipe", "60.13%", 0.52, 47_500),
)


@dataclass(frozen=True)
class Reached:
    accuracies: list[float]
    runs: list[dict[str, Any]]

    @property
    def mean(self) -> float:
        return statistics.mean(self.accuracies)

    @property
    def spread(self) -> float | None:
        return statistics.stdev(self.accuracies) if len(self.accuracies) > 1 else None

    def missed(self, bar: float, widest: float) -> float:
        spread = widest if self.spread is None else max(self.spread, LEAST_SPREAD)
        return statistics.NormalDist(self.mean, spread).cdf(bar)


def reached(content: dict[str, Any]) -> dict[str, Reached]:
    """By name of run; what 05's weights get right in final tests is a run of its own."""
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in content["runs"]:
        by_name[run["name"]].append(run)
    found = {
        name: Reached([run["test_accuracy"] for run in runs], runs)
        for name, runs in by_name.items()
    }
    finals = by_name["05 resnet20, 80 epochs"]
    found["05 final test"] = Reached(
        [test["mirrored"] for run in finals for test in run["final tests"]], finals
    )
    return found


def table(content: dict[str, Any]) -> list[str]:
    found = reached(content)
    widest = max(one.spread or 0 for one in found.values())
    lines = [
        "| | promised | reached | sd | n | bar | missed | epochs | batch | images/s | wall time |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for asked in ASKED:
        one = found[asked.run]
        pace = [statistics.median(run["epochs"]["seconds"]) for run in one.runs]
        cells = [
            asked.what,
            asked.promised,
            f"**{one.mean:.1%}**",
            f"{one.spread:.2%}" if one.spread is not None else "",
            f"{len(one.accuracies)}",
            f"{asked.bar:.0%}" if asked.bar else "",
            _share(one.missed(asked.bar, asked.spread or widest)) if asked.bar else "",
            f"{len(one.runs[0]['epochs']['val_loss'])}",
            f"{one.runs[0]['batch']}",
            f"{asked.images / statistics.median(pace):,.0f}",
            f"{statistics.median(run['seconds'] for run in one.runs):.0f} s",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _share(value: float) -> str:
    return (
        f"{value:.0%}" if value >= 0.01 else "below 1 in 1,000" if value < 0.001 else f"{value:.1%}"
    )


def draw(content: dict[str, Any], path: Path) -> None:
    """Accuracy on validation (in 04: test) images at every epoch, a panel an assignment."""
    assignments = sorted({run["name"][:2] for run in content["runs"]})
    figure, panels = plt.subplots(2, 4, figsize=(14, 6), layout="constrained")
    for panel in panels.flat[len(assignments) :]:
        panel.remove()
    for panel, assignment in zip(panels.flat, assignments, strict=False):
        runs = [run for run in content["runs"] if run["name"].startswith(assignment)]
        names = list(dict.fromkeys(run["name"] for run in runs))
        named: set[str] = set()
        for run in runs:
            share = [100 * value for value in run["epochs"]["val_accuracy"]]
            label = None if run["name"] in named else run["name"]
            named.add(run["name"])
            panel.plot(
                range(1, len(share) + 1),
                share,
                color=f"C{names.index(run['name'])}",
                lw=1,
                label=label,
            )
        panel.set(xlabel="epoch", ylabel="accuracy in %")
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.grid(alpha=0.3)
        panel.legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def with_table(text: str, lines: list[str]) -> str:
    before, rest = text.split(BEGIN)
    return "\n".join([before + BEGIN, "", *lines, "", END]) + rest.split(END)[1]


def main() -> None:
    content = json.loads(MEASURED.read_text())
    lines = table(content)
    TABLE.write_text(with_table(TABLE.read_text(), lines))
    draw(content, FIGURE)
    print(*lines, sep="\n")
    print(f"{TABLE.relative_to(ROOT)} and {FIGURE.relative_to(ROOT)} are written.")


if __name__ == "__main__":
    main()
