"""By which names processes are known to their groups."""

from pathlib import Path

from chatfold.standing import instance


def test_a_process_that_starts_again_in_its_folder_has_its_name_again(tmp_path: Path) -> None:
    assert instance(tmp_path / "state" / "0") == instance(tmp_path / "state" / "0")


def test_neighbours_and_other_homes_have_other_names(tmp_path: Path) -> None:
    folders = [tmp_path / "a" / "0", tmp_path / "a" / "1", tmp_path / "b" / "0"]
    assert len({instance(folder) for folder in folders}) == len(folders)
