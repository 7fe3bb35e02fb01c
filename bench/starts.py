"""How soon a kernel that has torch imported answers: started cold, and forked and confined.

    .venv/bin/python bench/starts.py [N] [--json FILE]

N times in turn: jupyter_client's ordinary kernel, which then imports torch, torchvision and pyplot,
and a student's kernel as submissions get it, asked for the same. The first of ours also starts the
process that all are forked from; it is told apart.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from surroundings import save
from traitlets.config import Config

from skipgrade.judging.grader.preload import PACKAGES
from skipgrade.sandbox import async_kernel_manager

IMPORTS = "import torch, torchvision, matplotlib.pyplot"


def cold() -> AsyncKernelManager:
    return AsyncKernelManager(kernel_name="python3")


def forked() -> AsyncKernelManager:
    config = Config()
    config.SandboxProvisioner.preload = PACKAGES
    return async_kernel_manager("student", config=config)


async def seconds(manager: AsyncKernelManager) -> float:
    """From the order to the answer."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        await manager.start_kernel(cwd=folder)
        client: Any = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=120)
            asked = client.execute(IMPORTS)
            reply = await client.get_shell_msg(timeout=120)
            assert reply["parent_header"]["msg_id"] == asked
            assert reply["content"]["status"] == "ok", reply["content"]
            return time.perf_counter() - started
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)


async def compare(count: int) -> dict[str, Any]:
    first = await seconds(forked())
    took: dict[str, list[float]] = {"cold": [], "forked": []}
    for _ in range(count):
        took["cold"].append(await seconds(cold()))
        took["forked"].append(await seconds(forked()))
    medians = {kind: statistics.median(times) for kind, times in took.items()}
    print(f"the first fork, with the process it comes from   {first:6.2f} s")
    print(f"cold, median of {count:2}                               {medians['cold']:6.2f} s")
    print(f"forked and confined, median of {count:2}                {medians['forked']:6.2f} s")
    print(f"  {medians['cold'] / medians['forked']:.0f} times as soon")
    return {"first": first, **took}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("count", nargs="?", type=int, default=7)
    parser.add_argument("--json", type=Path, default=Path("build/bench-starts.json"))
    arguments = parser.parse_args()
    found = asyncio.run(compare(arguments.count))
    save(arguments.json, found)


if __name__ == "__main__":
    main()
