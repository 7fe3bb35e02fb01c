"""What a submission can get hold of: in an ordinary kernel, as nbgrader starts it, and in ours.

    .venv/bin/python bench/isolation.py [--json FILE]

Every attempt of tests/sandbox/bank is made once in a fresh kernel of each kind, in the same run,
against the same (harmless) course: ours with all that this machine offers, with Landlock and
seccomp alone, and with a view of files of its own as where Landlock is missing. What honest
notebooks do is tried in ours as well.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.manager import KernelManager
from surroundings import save

from skipgrade.sandbox import folders
from skipgrade.sandbox.confinement import HELPS
from tests.sandbox.bank import (
    ATTACKS,
    BETWEEN,
    HONEST,
    LEFT_BEHIND,
    STOPPED,
    Targets,
    targets,
)
from tests.sandbox.spoken import Kernel, KernelEnded, confined

SMALL: dict[str, Any] = {"memory_gib": 0.25, "files": 10_000}
STOCK = "stock nbgrader"
OURS: dict[str, dict[str, Any]] = {
    "skipgrade": {},
    "skipgrade alone": {"without": tuple(HELPS)},
    "skipgrade view": {"known": 0},
}
KINDS = [STOCK, *OURS]


@contextmanager
def surroundings() -> Iterator[tuple[Targets, Path]]:
    """What there is to attack, and a folder to work in; nothing of either stays."""
    scratch = Path(tempfile.mkdtemp(prefix="skipgrade-bench-"))
    try:
        (scratch / "course").mkdir()
        with targets(scratch / "course") as world:
            yield world, scratch
    finally:
        folders.remove(scratch)


@contextmanager
def started(kind: str, scratch: Path, world: Targets) -> Iterator[Kernel]:
    work = Path(tempfile.mkdtemp(dir=scratch))
    if kind == STOCK:
        kernel = Kernel(KernelManager(), work, stderr=subprocess.DEVNULL)
    else:
        kernel = confined(work, readable=[world.SHOWN], **OURS[kind])
    try:
        kernel.run(world.code(), "nothing")
        yield kernel
    finally:
        kernel.close()


def attempt(kind: str, attack: str) -> str:
    with surroundings() as (world, scratch):
        with started(kind, scratch, world) as kernel:
            try:
                got = kernel.run(ATTACKS[attack], "escaped")
            except (TimeoutError, KernelEnded) as error:
                got = f"Error, {type(error).__name__}"
        return "SUCCEEDS" if world.damage() else outcome(got)


def outcome(got: object) -> str:
    failed = not got or (isinstance(got, str) and "Error" in got.partition(":")[0])
    return f"fails ({str(got).partition(':')[0]})" if failed else "SUCCEEDS"


def overheard(kind: str, channel: str) -> str:
    """Whether what one kernel does is seen in another."""
    says, listens = BETWEEN[channel]
    with surroundings() as (world, scratch), started(kind, scratch, world) as first:
        number = first.run("number = os.getpid()", "number")
        place = first.run("place = os.getcwd()", "place")
        with started(kind, scratch, world) as second:
            second.run(f"FIRST, PLACE = {number}, {place!r}", "nothing")
            first.run(says, "said")
            return outcome(second.run(listens, "heard"))


def excess(kind: str, attack: str) -> str:
    """Why the kernel was stopped; stock kernels never are, and run to the end of the cell."""
    reason, code = STOPPED[attack]
    with surroundings() as (world, scratch):
        if kind == STOCK:
            with started(kind, scratch, world) as kernel:
                kernel.run(code.replace("time.sleep(20)", ""), "nothing")
            return "SUCCEEDS"
        kernel = confined(scratch, **OURS[kind], **SMALL)
        kernel.run(world.code(), "nothing")
        told = kernel.stopped_for(code)
        kernel.close()
    return f"stopped: {told}" if reason in told else "SUCCEEDS"


def left_behind(kind: str) -> str:
    """Whether a process in the background outlives its kernel."""
    with surroundings() as (world, scratch):
        with started(kind, scratch, world) as kernel:
            kernel.run(f"{LEFT_BEHIND}\ntime.sleep(1)", "nothing")
        named = psutil.process_iter(["cmdline"])
        survivors = [p for p in named if world.MARK in (p.info["cmdline"] or [])]
        for process in survivors:
            process.kill()
    return "SUCCEEDS" if survivors else "fails (ended with the kernel)"


def honest(kind: str, work: str) -> str:
    with surroundings() as (world, scratch), started(kind, scratch, world) as kernel:
        return "works" if kernel.run(HONEST[work], "worked") is True else "IS HINDERED"


def attacks() -> Iterator[tuple[str, Callable[[str], str]]]:
    for attack in ATTACKS:
        yield attack, lambda kind, attack=attack: attempt(kind, attack)  # type: ignore[misc]
    for channel in BETWEEN:
        yield f"speak by {channel}", lambda kind, by=channel: overheard(kind, by)  # type: ignore[misc]
    for attack in STOPPED:
        yield attack, lambda kind, attack=attack: excess(kind, attack)  # type: ignore[misc]
    yield "leave a process behind", left_behind


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, default=Path("build/isolation.json"))
    arguments = parser.parse_args()
    rows = []
    print(f"{'attack':<46}" + "".join(f"{kind:<34}" for kind in KINDS))
    for attack, made in attacks():
        row = {kind: made(kind) for kind in KINDS}
        rows.append({"attack": attack} | row)
        print(f"{attack:<46}" + "".join(f"{row[kind]:<34}" for kind in KINDS), flush=True)
    works = []
    for work in HONEST:
        row = {kind: honest(kind, work) for kind in OURS}
        works.append({"work": work} | row)
        print(f"{work:<80}" + "".join(f"{row[kind]:<34}" for kind in OURS), flush=True)
    count = {kind: sum(row[kind] == "SUCCEEDS" for row in rows) for kind in KINDS}
    print(f"of {len(rows)} attacks succeed: " + ", ".join(f"{k} {v}" for k, v in count.items()))
    done = {kind: sum(row[kind] == "works" for row in works) for kind in OURS}
    print(f"of {len(works)} honest works go on: " + ", ".join(f"{k} {v}" for k, v in done.items()))
    save(arguments.json, {"attacks": rows, "honest": works})


if __name__ == "__main__":
    main()
