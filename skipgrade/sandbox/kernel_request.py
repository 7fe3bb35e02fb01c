"""What a zygote is asked for: one kernel, where it may work, and how much it may use."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from skipgrade.sandbox.confinement import AllowedPaths

GIB = 2**30
INLINE = "module://matplotlib_inline.backend_inline"  # where its figures go


@dataclass
class Limits:
    """Beyond them Python raises an error, or the kernel is stopped."""

    memory: int = 8 * GIB  # for each process, and for all of them (plus one GiB) together
    processes: int = 64
    threads: int = 512  # of all of them together
    sockets: int = 512
    disk: int = 4 * GIB  # in the folders it may write to
    files: int = 100_000  # there
    open_files: int = 1024
    seconds: int = 3600  # of processor time for each process, and of the clock for the kernel


@dataclass
class KernelRequest:
    """One kernel. Without `paths` it is trusted: nothing is confined or limited."""

    arguments: list[str]  # ipykernel's
    environment: dict[str, str]
    folder: str
    paths: AllowedPaths | None = None
    limits: Limits = field(default_factory=Limits)
    without: list[str] = field(default_factory=list)  # protections and helps to do without
    landlock: int = 0  # the version to use; 0: a view of its own in place of it
    modules: list[str] = field(default_factory=list)  # imported (MODULE:FUNCTION: called) before
    private: str | None = None  # its home
    abandoned: list[str] = field(default_factory=list)  # removed when its owner has vanished

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> KernelRequest:
        content: dict[str, Any] = json.loads(data)
        content["limits"] = Limits(**content["limits"])
        if content["paths"] is not None:
            content["paths"] = AllowedPaths(**content["paths"])
        return cls(**content)
