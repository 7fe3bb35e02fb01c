"""[judge's kernel, student's kernel] Names for weights that do not depend on how a network is
written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

SCHEMES = ("flow", "order", "kind")

Weight = tuple[str, int, Sequence[int]]  # its role, what it is the same by, its shape


def named(
    uses: Iterable[tuple[str, bool, Iterable[Weight]]], scheme: str
) -> Iterator[tuple[str, str, int]]:
    """Name, role and identity of every weight used. `uses`: what layers lie before each use,
    whether its bias may be missing, and its weights.

    flow   by what the layer does and the layers before it.
    order  by the order of first use alone.
    kind   by shape, the first of a shape, the second, and so on.
    A weight that is used more than once keeps the name of its first use.
    """
    seen: set[int] = set()
    count: Counter[str] = Counter()
    for flow, may_lack_bias, weights in uses:
        occurrence = count[flow]
        count[flow] += 1
        for role, identity, sizes in weights:
            if identity in seen:
                continue
            shape = "x".join(map(str, sizes))
            if scheme == "flow":
                key = f"{flow}#{occurrence}.{role}"
            elif scheme == "order":
                key = f"{len(seen)}:{shape}"
            else:
                key = f"{shape}#{count['shape ' + shape]}"
                count["shape " + shape] += 1
            seen.add(identity)
            yield key, "optional bias" if may_lack_bias and role == "bias" else role, identity
