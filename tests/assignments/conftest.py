"""Every test here uses the built-in images, and figures that no screen shows."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def builtin_images() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKIPGRADE_DATASET", "builtin")
        patch.setenv("MPLBACKEND", "agg")
        yield


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs and weights of a test lie in a folder of its own."""
    monkeypatch.chdir(tmp_path)
