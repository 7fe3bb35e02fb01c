"""The course's drawings: `lab.draw.lenet5()` as the last line of a cell shows one."""

from skipgrade.lab.draw.block import BLOCKS, blocks
from skipgrade.lab.draw.filter import filters
from skipgrade.lab.draw.network import lenet5, net18, resnet20
from skipgrade.lab.draw.table import option_a, window
from skipgrade.lab.draw.transfer import frozen

__all__ = [
    "BLOCKS",
    "blocks",
    "filters",
    "frozen",
    "lenet5",
    "net18",
    "option_a",
    "resnet20",
    "window",
]
