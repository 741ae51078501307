"""A file is there as a whole, also after a kill: the old content or the new."""

import os
from pathlib import Path

import pytest

from data.files import write_whole


def test_what_was_there_stays_until_the_new_content_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "CURRENT"
    write_whole(file, "一\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_whole(file, "二\n")
    assert file.read_text(encoding="utf-8") == "一\n"
    write_whole(file, "三\n")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [("CURRENT", "三\n")]
