"""Ways out of a kernel, and what honest notebooks do: each a cell that says what it achieved.

An attack leaves in `escaped` what it got hold of, or raises. It finds the names of `Targets` and of
`TOOLS` as variables. Attacks are bounded and harmless, so that they can also be shown to work where
nothing stops them.
"""

from tests.sandbox.bank import files, floods, machine, network, others
from tests.sandbox.bank.between import BETWEEN
from tests.sandbox.bank.floods import LEFT_BEHIND, STOPPED
from tests.sandbox.bank.honest import HONEST
from tests.sandbox.bank.world import SECRET, Targets, targets

KINDS = {
    "files": files.ATTACKS,
    "network": network.ATTACKS,
    "other processes": others.ATTACKS,
    "the machine": machine.ATTACKS,
    "floods": floods.ATTACKS,
}
ATTACKS = {name: code for kind in KINDS.values() for name, code in kind.items()}
assert len(ATTACKS) == sum(map(len, KINDS.values())), "two attacks of one name"

__all__ = [
    "ATTACKS",
    "BETWEEN",
    "HONEST",
    "KINDS",
    "LEFT_BEHIND",
    "SECRET",
    "STOPPED",
    "Targets",
    "targets",
]
