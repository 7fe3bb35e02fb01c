"""From rules about system calls to the small program that Linux runs before each of them.

A rule says what becomes of a call, if its arguments are so: of several for one call the first that
fits counts. Calls without one are allowed. What a step of the program is: Linux's
Documentation/networking/filter.rst; what it may look at is in seccomp(2).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALLOW, ASK, KILL = 0x7FFF0000, 0x7FC00000, 0x80000000
ALL_BITS = 2**64 - 1

STEP = struct.Struct("=HBBI")
LOAD, AND, RETURN, IF_EQUAL, IF_AT_LEAST = 0x20, 0x54, 0x06, 0x15, 0x35
NUMBER, PROCESSOR, ARGUMENTS = 0, 4, 16  # where these are in what the program looks at
HALF = 2**32 - 1
MARKS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # of processors with addresses of 64 bits
LONGEST_JUMP = 255

Step = tuple[int, int, int, int]


def error(number: int) -> int:
    """The action of a call that fails with it, or succeeds and does nothing: 0."""
    return 0x00050000 | number


@dataclass(frozen=True)
class If:
    """The bits of an argument that the mask shows are, or are not, those of a value."""

    argument: int
    value: int
    mask: int = ALL_BITS
    equal: bool = True


@dataclass(frozen=True)
class Rule:
    call: int
    action: int
    conditions: tuple[If, ...] = ()


def program(rules: Iterable[Rule], processor: str, first_unknown: int) -> bytes:
    """As Linux reads it. Calls from `first_unknown` on are not there; those made in another
    processor's way end the process.
    """
    steps: list[Step] = [
        (LOAD, 0, 0, PROCESSOR),
        (IF_EQUAL, 1, 0, MARKS[processor]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (IF_AT_LEAST, 0, 1, first_unknown),  # x86_64's calls with short addresses too
        (RETURN, 0, 0, error(errno.ENOSYS)),
    ]
    for call, its_rules in _by_call(rules).items():
        block = [step for rule in its_rules for step in _steps(rule)]
        block.append((RETURN, 0, 0, ALLOW))
        assert len(block) <= LONGEST_JUMP, f"too many rules for call {call}"
        steps += [(IF_EQUAL, 0, len(block), call), *block]
    steps.append((RETURN, 0, 0, ALLOW))
    return b"".join(STEP.pack(*step) for step in steps)


def _by_call(rules: Iterable[Rule]) -> Mapping[int, list[Rule]]:
    found: dict[int, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.call, []).append(rule)
    return found


def _steps(rule: Rule) -> list[Step]:
    """What leads to the rule's action, or to the step behind all these."""
    tests = [list(_halves(condition)) for condition in rule.conditions]
    left = sum(len(half) for test in tests for half in test) + 1
    steps: list[Step] = []
    for condition, test in zip(rule.conditions, tests, strict=True):
        behind = sum(map(len, test))  # steps until the next condition
        for position, half in enumerate(test):
            left, behind = left - len(half), behind - len(half)
            last = position == len(test) - 1
            jumps = (0, left) if condition.equal else (left if last else 0, behind)
            code, _, _, value = half[-1]
            steps += [*half[:-1], (code, *jumps, value)]
    return [*steps, (RETURN, 0, 0, rule.action)]


def _halves(condition: If) -> Iterable[list[Step]]:
    """Linux's steps see 32 bits at a time, the lower ones first on both kinds of processor."""
    for upper in (0, 1):
        mask = condition.mask >> 32 * upper & HALF
        if mask:
            where = ARGUMENTS + 8 * condition.argument + 4 * upper
            steps = [(LOAD, 0, 0, where), (AND, 0, 0, mask)]
            value = condition.value >> 32 * upper & HALF & mask
            yield [*steps[: 1 if mask == HALF else 2], (IF_EQUAL, 0, 0, value)]
