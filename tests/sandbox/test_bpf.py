"""Does the program do what the rules say, on both kinds of processor, and are the numbers right?"""

from __future__ import annotations

import errno
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from skipgrade.sandbox.bpf import ALLOW, ASK, KILL, MARKS, STEP, If, Rule, error, program
from skipgrade.sandbox.filter import FORBIDDEN, Filter
from skipgrade.sandbox.syscalls import FIRST_UNKNOWN, PROCESSORS, numbers

WIDE = 2**64
INTERESTING = (0, 1, 2, 0x80, 2**31, 2**32 - 1, 2**32, 2**32 + 1, WIDE - 1)
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def run(steps: bytes, call: int, arguments: tuple[int, ...], mark: int) -> int:
    """As Linux runs it; every step that it knows and we use."""
    seen = [call, mark, 0, 0, *(half for a in arguments for half in (a % 2**32, a >> 32))]
    held = list(STEP.iter_unpack(steps))
    value = place = 0
    while True:
        code, if_so, if_not, number = held[place]
        place += 1
        if code == 0x20:
            value = seen[number // 4]
        elif code == 0x54:
            value &= number
        elif code == 0x15:
            place += if_so if value == number else if_not
        elif code == 0x35:
            place += if_so if value >= number else if_not
        elif code == 0x06:
            return int(number)
        else:
            raise AssertionError(f"no step: {code:#x}")


def by_the_rules(rules: list[Rule], call: int, arguments: tuple[int, ...]) -> int:
    for rule in rules:
        fits = (
            (arguments[c.argument] & c.mask == c.value & c.mask) == c.equal for c in rule.conditions
        )
        if rule.call == call and all(fits):
            return rule.action
    return ALLOW


def conditions(drawn: random.Random) -> Iterator[If]:
    for _ in range(drawn.randrange(4)):
        mask = drawn.choice([WIDE - 1, *filter(None, INTERESTING)])
        value = drawn.choice(INTERESTING)
        yield If(drawn.randrange(6), value, mask, drawn.random() < 0.5)


@pytest.mark.parametrize("processor", PROCESSORS)
def test_the_program_does_what_the_rules_say(processor: str) -> None:
    drawn = random.Random(1)
    actions = (error(0), error(1), error(13), ASK)
    seen = set()
    for _ in range(300):
        rules = [
            Rule(drawn.randrange(5), drawn.choice(actions), tuple(conditions(drawn)))
            for _ in range(drawn.randrange(12))
        ]
        steps = program(rules, processor, 100)
        for _ in range(60):
            call = drawn.randrange(6)
            arguments = tuple(drawn.choice(INTERESTING) for _ in range(6))
            expected = by_the_rules(rules, call, arguments)
            assert run(steps, call, arguments, MARKS[processor]) == expected
            seen.add(expected)
    assert seen == {ALLOW, *actions}


NOTHING = (0,) * 6


@pytest.mark.parametrize("processor", PROCESSORS)
def test_calls_made_another_way_or_newer_than_we(processor: str) -> None:
    steps = program([], processor, FIRST_UNKNOWN)
    other = next(mark for name, mark in MARKS.items() if name != processor)
    assert run(steps, 0, NOTHING, other) == KILL
    assert run(steps, 0, NOTHING, 0x40000003) == KILL  # a smaller processor's
    mark = MARKS[processor]
    for call in (FIRST_UNKNOWN, FIRST_UNKNOWN + 1, 0x40000000 + 39, 2**32 - 1):
        assert run(steps, call, NOTHING, mark) == error(errno.ENOSYS)
    assert run(steps, FIRST_UNKNOWN - 1, NOTHING, mark) == ALLOW


@pytest.mark.parametrize("listening", [False, True])
@pytest.mark.parametrize("processor", PROCESSORS)
def test_a_kernel_s_filter_on_either_processor(
    monkeypatch: pytest.MonkeyPatch, processor: str, listening: bool
) -> None:
    monkeypatch.setattr("skipgrade.sandbox.filter.here", lambda: processor)
    steps = Filter(listening, listening)._program
    known = numbers(processor)

    def outcome(name: str, *arguments: int) -> int:
        return run(steps, known[name], (*arguments, *NOTHING)[:6], MARKS[processor])

    refused, asked = error(errno.EPERM), ASK if listening else error(errno.EPERM)
    assert {outcome(name) for name in FORBIDDEN.split() if name in known} == {refused}
    assert outcome("flock") == error(0)
    assert outcome("openat2") == outcome("clone3") == error(errno.ENOSYS)
    assert outcome("clone", 0x10000000 | 17) == refused
    assert outcome("clone", 17) == (ASK if listening else ALLOW)
    assert outcome("connect") == outcome("truncate") == asked
    assert outcome("socket", 1, 1) == outcome("socket", 1, 0o2000001) == outcome("clone", 17)
    assert {outcome("socket", 1, 2), outcome("socket", 2, 1), outcome("socket", 2**32 + 1, 1)} == {
        refused
    }
    assert outcome("openat", 0, 0, 0o1000) == outcome("openat", 0, 0, 0o1003) == refused
    assert outcome("openat", 0, 0, 0) == outcome("openat", 0, 0, 0o1001) == ALLOW
    assert outcome("openat", 0, 0, 2) == outcome("openat", 0, 0, 0o101) == outcome("clone", 17)
    assert outcome("prlimit64", 0) == ALLOW and outcome("prlimit64", 7) == refused
    assert outcome("fcntl", 3, 6 | 1 << 32) == error(0)


@pytest.mark.parametrize("processor", PROCESSORS)
def test_the_numbers_are_linux_s_own(processor: str) -> None:
    if not HEADERS[processor].exists():
        pytest.skip(f"{HEADERS[processor]} is not installed (linux-libc-dev)")
    text = HEADERS[processor].read_text()
    told = {
        name: int(number)
        for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)$", text, re.M)
    }
    ours = numbers(processor)
    both = ours.keys() & told.keys()
    assert len(both) > 110
    assert {name: ours[name] for name in both} == {name: told[name] for name in both}
    newest = max(told.values())
    assert not {name for name in ours.keys() - told.keys() if ours[name] <= newest}
