"""The course's secret, from which held-out images follow. Needs no torch."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path


def read_secret(path: Path) -> str:
    """The course's secret; drawn, once, where there is none yet.

    Several graders may find it missing at the same moment; the first to link its draft wins.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(16) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


def seed_from(text: str) -> int:
    """A seed that nobody finds who does not have the whole text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def mark_of(secret: str, student: str) -> str:
    """What marks one student's histories; see `watermark`."""
    return hashlib.sha256(f"{secret}\nwatermark\n{student}".encode()).hexdigest()
