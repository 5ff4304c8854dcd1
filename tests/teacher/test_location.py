"""The checkpoint that a folder holds is read from that folder, whatever its state file and its name say."""

from pathlib import Path

import pytest

from alzedge.errors import UserError
from alzedge.teacher.simclrv2.location import checkpoint_prefix


def folder_of(path: Path, *names: str, state: str = "") -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / f"{name}.index").touch()
    if state:
        (path / "checkpoint").write_text(f'model_checkpoint_path: "{state}"\nall_model_checkpoint_paths: "{state}"\n')
    return path


def test_an_absolute_path_in_the_state_file_leads_nowhere_else(tmp_path: Path) -> None:
    other = folder_of(tmp_path / "other", "model.ckpt-2")
    moved = folder_of(tmp_path / "moved", "model.ckpt-1", "model.ckpt-2", state=str(other / "model.ckpt-2"))
    with checkpoint_prefix(str(moved)) as prefix:
        assert prefix == f"{moved}/model.ckpt-2"
    elsewhere = folder_of(tmp_path / "elsewhere", "model.ckpt-7", state=str(other / "model.ckpt-2"))
    with checkpoint_prefix(str(elsewhere)) as prefix:
        assert prefix == f"{elsewhere}/model.ckpt-7"
    torn = folder_of(tmp_path / "torn", "a", "b", state=str(other / "model.ckpt-2"))
    with pytest.raises(UserError, match="holds 2 checkpoints"), checkpoint_prefix(str(torn)):
        pass


def test_brackets_in_a_folder_s_name_are_no_pattern(tmp_path: Path) -> None:
    named = folder_of(tmp_path / "r18 [1]", "model.ckpt-1", "model.ckpt-2", state="model.ckpt-1")
    with checkpoint_prefix(str(named)) as prefix:
        assert prefix == f"{named}/model.ckpt-1"
