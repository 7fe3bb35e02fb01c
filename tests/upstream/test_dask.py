"""Dask: is what classroom/cluster.py sets a setting, and does a future say that it is done?"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from queue import SimpleQueue
from typing import Any

import pytest
import yaml
from distributed import Client, Event, Future

from skipgrade.classroom.cluster import settings


def defaults(package: str) -> dict[str, Any]:
    text = files(package).joinpath(f"{package}.yaml").read_text()
    read: dict[str, Any] = yaml.safe_load(text)
    return read


@pytest.mark.parametrize("key", settings("/tmp", {}))
def test_every_setting_is_one_of_dasks_own(key: str) -> None:
    """Dask takes any name without a word, and ignores it."""
    level: Any = defaults("dask") | defaults("distributed")
    for part in key.split("."):
        assert isinstance(level, dict) and part in level, f"Dask has no setting {key!r} any more"
        level = level[part]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as one:
        yield one


def fail() -> None:
    raise ValueError("no")


def test_a_future_says_that_it_is_done_however_it_ends(client: Client) -> None:
    """`Future.add_done_callback`: what is graded is waited for by it."""
    finished: SimpleQueue[Future] = SimpleQueue()
    never = Event("never set")
    futures: list[Future] = [
        client.submit(int, 3),
        client.submit(fail, pure=False),
        client.submit(never.wait, pure=False),
    ]
    for future in futures:
        future.add_done_callback(finished.put)
    first = {finished.get(timeout=60).status for _ in range(2)}
    assert first == {"finished", "error"}
    futures[2].cancel()
    assert finished.get(timeout=60).status == "cancelled"
    never.set()
