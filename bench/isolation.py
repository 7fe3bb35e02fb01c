"""What a submission can get hold of: in an ordinary kernel, as nbgrader starts it, and in ours.

    .venv/bin/python bench/isolation.py [--json FILE]

Every attack of tests/sandbox/bank.py is made once in a fresh kernel of either kind, in the same
run, against the same (harmless) course. What honest notebooks do is tried in ours as well.
"""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
from jupyter_client.manager import KernelManager
from surroundings import save
from traitlets.config import Config

from skipgrade.sandbox import kernel_manager
from tests.sandbox.bank import ATTACKS, HONEST, LEFT_BEHIND, STOPPED, targets
from tests.sandbox.spoken import Kernel

LIMITS = Config(SandboxProvisioner={"memory_gib": 1.0, "disk_gib": 0.25, "processes": 24})
KINDS: dict[str, Callable[[], KernelManager]] = {
    "stock nbgrader": KernelManager,
    "skipgrade": lambda: kernel_manager("student", config=LIMITS),
}


def attempt(kind: str, attack: str) -> str:
    """What became of one attack in a fresh kernel."""
    with tempfile.TemporaryDirectory() as scratch:
        root, work = Path(scratch, "course"), Path(scratch, "work")
        root.mkdir()
        work.mkdir()
        with targets(root) as world:
            kernel = Kernel(KINDS[kind](), work, stderr=subprocess.DEVNULL)
            try:
                kernel.run(world.code(), "nothing")
                if attack in STOPPED:
                    reason = stopped_for(kernel, STOPPED[attack])
                    return f"stopped: {reason}" if reason else "SUCCEEDS"
                got = kernel.run(ATTACKS[attack], "escaped")
            finally:
                kernel.close()
    failed = not got or (isinstance(got, str) and "Error" in got.partition(":")[0])
    return f"fails ({str(got).partition(':')[0]})" if failed else "SUCCEEDS"


def stopped_for(kernel: Kernel, code: str) -> str:
    """Why the kernel was stopped; stock kernels never are, and run to the end of the cell."""
    if hasattr(kernel.manager.provisioner.process, "reason"):
        return kernel.stopped_for(code)
    kernel.run(code, "nothing")
    return ""


def left_behind(kind: str) -> str:
    """Whether a process in the background outlives its kernel."""
    mark = f"skipgrade-bench-{os.getpid()}-{kind.split()[0]}"
    with tempfile.TemporaryDirectory() as scratch:
        kernel = Kernel(KINDS[kind](), Path(scratch), stderr=subprocess.DEVNULL)
        kernel.run(f"MARK = {mark!r}\n{LEFT_BEHIND}\nimport time\ntime.sleep(1)", "nothing")
        kernel.close()
    survivors = [p for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]
    for process in survivors:
        process.kill()
    return "SUCCEEDS" if survivors else "fails (ended with the kernel)"


def honest(work: str) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        kernel = Kernel(KINDS["skipgrade"](), Path(scratch))
        try:
            return "works" if kernel.run(HONEST[work], "worked") is True else "IS HINDERED"
        finally:
            kernel.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, default=Path("build/isolation.json"))
    arguments = parser.parse_args()
    rows = []
    print(f"{'attack':<42}{'stock nbgrader':<34}skipgrade")
    for attack in (*ATTACKS, *STOPPED, "leave a process behind"):
        made = left_behind if attack == "leave a process behind" else None
        row = {kind: made(kind) if made else attempt(kind, attack) for kind in KINDS}
        rows.append({"attack": attack} | row)
        print(f"{attack:<42}{row['stock nbgrader']:<34}{row['skipgrade']}", flush=True)
    works = {work: honest(work) for work in HONEST}
    for work, result in works.items():
        print(f"{work:<42}{'':<34}{result}", flush=True)
    count = {kind: sum(row[kind] == "SUCCEEDS" for row in rows) for kind in KINDS}
    print(f"of {len(rows)} attacks succeed: " + ", ".join(f"{k} {v}" for k, v in count.items()))
    save(arguments.json, {"attacks": rows, "honest": works})


if __name__ == "__main__":
    main()
