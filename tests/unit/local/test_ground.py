"""A demo begins with an empty county, and removes nothing but what a demo has made and marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.ground import MARK, Ground, prepare_ground
from deploy.local.processes import PartFailed


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo"


def played(folder: Path, said: list[str]) -> None:
    """A folder as a demo leaves it."""
    assert not prepare_ground(Ground(folder=folder), said.append)
    (folder / "kafka" / "logs").mkdir(parents=True)
    (folder / "kafka" / "logs" / "segment").write_text("a case")
    (folder / "postgres-password").write_text("secret")


def names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


def test_a_first_demo_makes_its_folder_marks_it_and_has_nothing_to_say(folder: Path, said: list[str]) -> None:
    assert not prepare_ground(Ground(folder=folder), said.append)
    assert names(folder) == {MARK}
    assert folder.stat().st_mode & 0o777 == 0o711
    assert said == []


def test_the_next_demo_removes_what_the_earlier_left_and_says_so_once(folder: Path, said: list[str]) -> None:
    played(folder, said)
    assert not prepare_ground(Ground(folder=folder), said.append)
    assert names(folder) == {MARK}
    assert said == [f"begins afresh: removes what an earlier demo left in {folder} (--keep goes on with it)"]


def test_what_lies_beside_the_folder_stays(folder: Path, said: list[str]) -> None:
    played(folder, said)
    beside = folder.parent / "kafka"
    beside.mkdir()
    (beside / "segment").write_text("of somebody's own system")
    (folder / "link").symlink_to(beside)
    prepare_ground(Ground(folder=folder), said.append)
    assert names(folder) == {MARK}
    assert (beside / "segment").read_text() == "of somebody's own system"


def test_a_demo_that_is_to_keep_it_goes_on_with_it(folder: Path, said: list[str]) -> None:
    played(folder, said)
    assert prepare_ground(Ground(folder=folder, keep=True), said.append)
    assert names(folder) == {MARK, "kafka", "postgres-password"}
    assert said == [f"goes on with what an earlier demo left in {folder}"]


def test_to_keep_what_is_not_there_is_to_begin(folder: Path, said: list[str]) -> None:
    assert not prepare_ground(Ground(folder=folder, keep=True), said.append)
    assert said == []


def test_a_start_cut_short_before_its_mark_is_no_hindrance(folder: Path, said: list[str]) -> None:
    folder.mkdir()
    assert not prepare_ground(Ground(folder=folder), said.append)
    assert names(folder) == {MARK}


@pytest.mark.parametrize("keep", (False, True))
@pytest.mark.parametrize("made", ("unmarked", "file", "link", "marked by a link", "marked by a folder"))
def test_what_no_demo_has_made_is_refused_and_left_as_it_is(
    folder: Path, said: list[str], made: str, *, keep: bool
) -> None:
    mine = folder.parent / "mine"
    played(mine, said)
    match made:
        case "unmarked":
            mine.rename(folder)
            (folder / MARK).unlink()
        case "file":
            folder.write_text("mine")
        case "link":
            folder.symlink_to(mine)
        case _:
            folder.mkdir()
            (folder / "thesis").write_text("mine")
            if made == "marked by a link":
                (folder / MARK).symlink_to(mine / MARK)
            else:
                (folder / MARK).mkdir()
    before = {path: path.lstat().st_mtime_ns for path in folder.parent.rglob("*")}
    with pytest.raises(PartFailed, match="was not made by a demo and is left alone"):
        prepare_ground(Ground(folder=folder, keep=keep), said.append)
    assert {path: path.lstat().st_mtime_ns for path in folder.parent.rglob("*")} == before
