"""The average head, registered once for all who ask."""

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.average_heads import average_head
from helpers.commands import once

if TYPE_CHECKING:
    from alzedge.preparation.prepare import Prepared


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> "Prepared":
    """`average_head` brought into the frame, which takes seconds."""
    pytest.importorskip("SimpleITK")

    def make(folder: Path) -> None:
        from alzedge.preparation.prepare import prepare

        (folder / "prepared.pickle").write_bytes(pickle.dumps(prepare(average_head())))

    folder = once(tmp_path_factory, "prepared-head", make)
    found: Prepared = pickle.loads((folder / "prepared.pickle").read_bytes())
    return found
