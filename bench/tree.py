"""What a command and everything it starts use: time, processor, memory."""

import contextlib
import os
import resource
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from skipgrade.sandbox.processes import adopt_orphans

EVERY = 1.0


def run(command: Sequence[str], folder: Path, log: Path, **environment: str) -> dict[str, Any]:
    """Run a command to its end, and what it leaves behind to theirs; all count as its own."""
    adopt_orphans()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        peaks: dict[str, int] = {"all": 0, "command": 0}
        watching = threading.Thread(target=_watch, args=(process.pid, peaks), daemon=True)
        watching.start()
        code = process.wait()
    wall = time.perf_counter() - started
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    watching.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "exit": code,
        "wall_s": round(wall, 1),
        "cpu_s": round(used, 1),
        "peak_mib": peaks["all"] >> 20,
        "peak_of_the_command_mib": peaks["command"] >> 20,
    }


def _watch(pid: int, peaks: dict[str, int]) -> None:
    """Memory of the whole tree, shared pages counted once (PSS), until it has ended."""
    while psutil.pid_exists(pid):
        sizes: dict[int, int] = {}
        try:
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                sizes[process.pid] = _pss(process.pid)
        except psutil.NoSuchProcess:
            return
        peaks["all"] = max(peaks["all"], sum(sizes.values()))
        peaks["command"] = max(peaks["command"], sizes.get(pid, 0))
        time.sleep(EVERY)


def _pss(pid: int) -> int:
    try:
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return sum(int(row.split()[1]) * 1024 for row in rows if row.startswith("Pss:"))
