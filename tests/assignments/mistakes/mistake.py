"""What a single mistake is."""

from __future__ import annotations

from dataclasses import dataclass

NAMES = {
    "01": "01-lenet5-pipeline",
    "02": "02-lenet5-tuning",
    "03": "03-cnn-design",
    "04": "04-plain-residual-mobile",
    "05": "05-resnet20-tuning",
    "06": "06-depth-and-shortcuts",
    "07": "07-resnet-cifar100",
    "08": "08-transfer-learning",
}


@dataclass(frozen=True)
class Mistake:
    number: str
    story: str
    cell: str
    pairs: tuple[tuple[str, str], ...]
    own: tuple[str, ...]  # the test cells that look at this very thing

    @property
    def assignment(self) -> str:
        return NAMES[self.number]

    def __str__(self) -> str:
        return f"{self.number} {self.story}"


def in_cell(number: str, cell: str, own: str, table: dict[str, tuple[str, ...]]) -> list[Mistake]:
    """Old and new text, in turn, of each mistake in one cell of one notebook."""
    pairs = {story: zip(texts[::2], texts[1::2], strict=True) for story, texts in table.items()}
    return [
        Mistake(number, story, cell, tuple(one), tuple(own.split())) for story, one in pairs.items()
    ]
