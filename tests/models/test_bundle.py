"""A bundle is whole or it is not there."""

import json
import shutil
from pathlib import Path

import pytest

from data.errors import BundleError
from models.bundle import FILES, Bundle, load_bundle


@pytest.fixture
def copy(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle.folder, tmp_path / "copy"))


def test_holds_only_plain_files(tiny_bundle: Bundle) -> None:
    names = {file.name for file in tiny_bundle.folder.iterdir()}
    assert names == {*FILES, "manifest.json"}


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused_by_name(copy: Path, name: str) -> None:
    with (copy / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(BundleError, match=f"{name} of bundle copy has sha256"):
        load_bundle(copy)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_missing_file_is_refused_by_name(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=name):
        load_bundle(copy)


def test_another_redaction_major_version_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.bundle.REDACTION_VERSION", "3.0.0")
    with pytest.raises(BundleError, match=r"redaction 2\..*retrain"):
        load_bundle(copy)


def test_another_format_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(BundleError, match="format 99, expected 1"):
        load_bundle(copy)
