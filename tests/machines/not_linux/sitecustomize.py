"""Python as our own code would find it on a system that is not Linux.

The packages we stand on see the system as it is: theirs would not run on another's. Ours reads
`sys.platform` as macOS', and what Python offers on Linux alone is not there for anybody.
"""

import os
import select
import signal
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType
from typing import Any

PACKAGE = "skipgrade"
ON_LINUX_ALONE = {
    os: (
        "memfd_create",
        "pidfd_open",
        "sched_getaffinity",
        "sched_setaffinity",
        "setns",
        "unshare",
    ),
    select: ("epoll",),
    signal: ("pidfd_send_signal",),
}


class Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Never from the cache, nor into it."""
        text = self.get_data(self.path).decode().replace("sys.platform", "'darwin'")
        code: CodeType = compile(text, self.path, "exec", dont_inherit=True)
        return code


class Finder:
    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Loader(name, spec.loader.path)
        return spec


for module, names in ON_LINUX_ALONE.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
if hasattr(os, "process_cpu_count"):  # Python 3.13's, where nothing tells a process's own cores
    os.process_cpu_count = os.cpu_count
sys.meta_path.insert(0, Finder)
