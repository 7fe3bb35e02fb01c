"""Dask on this machine: a scheduler and workers that open no port but those they talk on.

Dask's own have a web server each, the scheduler's at port 8787 or, where that is taken, with a
warning at another; nobody looks at them here.
"""

import logging
from typing import Any

from distributed import Nanny, Scheduler, SpecCluster, Worker
from distributed.security import Security

HERE = {"host": "127.0.0.1", "protocol": "tls://"}


class _NoWebServer:
    def start_http_server(self, *arguments: Any, **settings: Any) -> None:
        """There is none."""


class OurScheduler(_NoWebServer, Scheduler):
    pass


class OurWorker(_NoWebServer, Worker):
    pass


def local_cluster(workers: int, folder: str) -> SpecCluster:
    """Processes that this machine alone reaches, with a key of their own; they use `folder`."""
    security = Security.temporary()
    worker = {
        "cls": Nanny,
        "options": {
            **HERE,
            "worker_class": OurWorker,
            "nthreads": 1,
            "memory_limit": 0,
            "local_directory": folder,
            "security": security,
            "silence_logs": logging.CRITICAL,
        },
    }
    return SpecCluster(
        scheduler={"cls": OurScheduler, "options": {**HERE, "port": 0, "security": security}},
        workers=dict.fromkeys(range(workers), worker),
        worker=worker,
        security=security,
        silence_logs=logging.CRITICAL,
    )
