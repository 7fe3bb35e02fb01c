"""Assignment 08: which layers of the pretrained ResNet-18 stay as they are, and which learn."""

from __future__ import annotations

from dataclasses import dataclass

from skipgrade.lab.draw.canvas import (
    LIGHT_ORANGE,
    LINE,
    PALE,
    RED,
    SMALL,
    TEXT,
    Canvas,
    Drawing,
    plainly,
    told,
)


@dataclass(frozen=True)
class Layer:
    """A piece of the network, the shape that comes out of it, and its parameters."""

    name: str
    shape: tuple[int, ...]
    parameters: int = 0
    learns: bool = False

    @property
    def fill(self) -> str:
        return LIGHT_ORANGE if self.learns else PALE if self.parameters else "white"


TRANSFER = (
    Layer("enlarge", (3, 256, 256)),
    Layer("stem", (64, 64, 64), 9_536),
    Layer("layer1", (64, 64, 64), 147_968),
    Layer("layer2", (128, 32, 32), 525_568),
    Layer("layer3", (256, 16, 16), 2_099_712),
    Layer("layer4", (512, 8, 8), 8_393_728, learns=True),
    Layer("avgpool", (512,)),
    Layer("fc", (10,), 5_130, learns=True),
)


@plainly
def frozen() -> Drawing:
    """What part 2 of assignment 08 freezes, and what it lets learn."""
    sheet, wide, pitch, y = Canvas(156), 62, 83, 20
    left = [30 + pitch * number for number in range(len(TRANSFER))]
    for x, layer in zip(left, TRANSFER, strict=True):
        sheet.arrow((x - 19, y + 24), (x - 2, y + 24))
        thick, edge = (2.2, RED) if layer.learns else (1, LINE)
        sheet.box(x, y, wide, 48, layer.name, fill=layer.fill, edge=edge, thick=thick)
        sheet.text(x + wide / 2, y + 62, told(layer.shape), size=SMALL)
    learning = sum(layer.parameters for layer in TRANSFER if layer.learns)
    still = sum(layer.parameters for layer in TRANSFER if not layer.learns)
    ends = {"frozen": (left[1], left[4] + wide), "learns": (left[5], left[7] + wide)}
    sheet.bracket(*ends["frozen"], 98, f"frozen\n{still:,} parameters", size=TEXT)
    sheet.bracket(*ends["learns"], 98, f"learns\n{learning:,} parameters", size=TEXT)
    names = {
        learns: ", ".join(
            layer.name for layer in TRANSFER if layer.parameters and layer.learns is learns
        )
        for learns in (False, True)
    }
    return sheet.finish(
        f"ResNet-18 for pictures enlarged to 256 by 256. Frozen: {names[False]} "
        f"({still:,} parameters). Learning: {names[True]} ({learning:,} parameters)."
    )
