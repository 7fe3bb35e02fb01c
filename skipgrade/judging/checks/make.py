"""[judge's kernel] Are two networks of one notebook of the same make?

One test looks at a small network, another at weights of a large one. What the first has found holds
for the second where both take the same steps, with filters of the same sizes.
"""

from __future__ import annotations

from typing import Any

from skipgrade.judging.checks.measuring import StudentsNetwork
from skipgrade.judging.checks.network import Network
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.programs.operations import is_view
from skipgrade.judging.verdict import message


def check(trial: Trial, expression: str, like: str, hint: str) -> str | None:
    one, other = (StudentsNetwork(trial, name).recorded for name in (expression, like))
    if _steps(one) == _steps(other):
        return None
    got = f"{expression} and {like} are made in different ways"
    hint = hint or "the network that is trained has to be the one you wrote."
    return message("one and the same network in every size", got, hint)


def _steps(network: Network) -> list[Any]:
    """What is done, one thing after the other, without the channels it is done to."""
    state = network.state
    return [
        (
            node.name,
            [node.argument(name) for name in ("stride", "padding", "dilation", "kernel_size")],
            [
                (state[number].parameter, state[number].shape[2:])
                for number in node.tensors()
                if number < len(state)
            ],
        )
        for node in network.eval.nodes
        if not is_view(node.op)
    ]
