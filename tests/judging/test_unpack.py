"""What comes out of a zip file, and what does not?"""

import stat
import zipfile
from pathlib import Path

import pytest

from skipgrade.judging.intake import unpack as unpacking
from skipgrade.judging.intake.unpack import NotUnpackedError, unpack


def packed(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return path


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_files_come_out(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", ("a.ipynb", b"{}"), ("runs\\b.csv", b"1"), ("c/d/e", b""))
    unpack(archive, tmp_path / "out")
    assert names(tmp_path / "out") == {"a.ipynb", "runs/b.csv", "c/d/e"}


def test_nothing_leads_out(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = packed(
        tmp_path / "a.zip",
        ("../up", b"x"), ("/root", b"x"), ("a/../../b", b"x"), ("..\\down", b"x"),
        (link, b"/etc/passwd"), ("kept", b"x"), ("/".join("d" * 60), b"deep"), ("n" * 2000, b"long"),
    )  # fmt: skip
    unpack(archive, tmp_path / "out")
    assert names(tmp_path) == {"a.zip", "out/kept"}


def test_of_two_files_of_one_name_the_first(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        archive = packed(tmp_path / "a.zip", ("a", b"1"), ("a", b"2"), ("a/b", b"3"))
    with pytest.raises(NotUnpackedError, match="damaged"):  # `a` is a file and a folder
        unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_bytes() == b"1"


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip file", b"PK\3\4" + bytes(100)])
def test_what_is_no_zip_file_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(NotUnpackedError, match="damaged, or no zip file"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("members", [(), (("folder/", b""),)], ids=["nothing", "a folder"])
def test_an_empty_one_is_said(tmp_path: Path, members: tuple[tuple[str, bytes], ...]) -> None:
    archive = packed(tmp_path / "a.zip", *members)
    with pytest.raises(NotUnpackedError, match="is empty: there are no files in it"):
        unpack(archive, tmp_path / "out")


def test_one_in_which_nothing_can_be_read_is_said(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", ("../up", b"x"), ("/root", b"x"))
    with pytest.raises(NotUnpackedError, match="only links, or paths that lead out"):
        unpack(archive, tmp_path / "out")


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", ("a", bytes(range(256)) * 100))
    content = bytearray(archive.read_bytes())
    content[60:70] = b"0123456789"
    archive.write_bytes(content)
    with pytest.raises(NotUnpackedError, match="damaged"):
        unpack(archive, tmp_path / "out")


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_BYTES", 2**22)
    archive = packed(tmp_path / "a.zip", ("zeros", bytes(2**24)))
    assert archive.stat().st_size < 2**15
    with pytest.raises(NotUnpackedError, match="more than"):
        unpack(archive, tmp_path / "out")


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_FILES", 3)
    archive = packed(tmp_path / "a.zip", *((str(number), b"") for number in range(4)))
    with pytest.raises(NotUnpackedError, match="4 files"):
        unpack(archive, tmp_path / "out")
