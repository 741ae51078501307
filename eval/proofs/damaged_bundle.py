"""A bundle with a damaged file. In: the shipped bundle. Out: how the service refuses each file of it.

    python -m eval.proofs damaged-bundle

One byte in the middle of one file is changed at a time; the service must end with one line that names the file.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eval.proofs.banks import command, temporary_folder
from eval.services import free_port
from models.bundle import current_bundle_folder, load_bundle

PATIENCE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class DamageOutcome:
    file: str
    exit_code: int | None
    lines: int
    names_it: bool

    def is_good(self) -> bool:
        return self.exit_code == 1 and self.lines == 1 and self.names_it


def prove_damage() -> list[DamageOutcome]:
    """One outcome for each file of the manifest, and for the manifest itself."""
    shipped = current_bundle_folder()
    files = [*load_bundle(shipped).manifest["files"], "manifest.json"]
    with temporary_folder("bundle") as folder:
        outcomes = []
        for name in files:
            damaged = folder / "damaged"
            shutil.copytree(shipped, damaged)
            _damage(damaged / name)
            outcomes.append(_start(folder, damaged, name))
            shutil.rmtree(damaged)
    return outcomes


def _damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x55
    file.write_bytes(content)


def _start(folder: Path, bundle: Path, name: str) -> DamageOutcome:
    settings: Mapping[str, str] = {
        "XIAOBAO_BUNDLE": str(bundle), "XIAOBAO_STORE": "off", "XIAOBAO_API_TOKEN": "proof-0123456789-abcdefghijklmno",
    }  # fmt: skip
    try:
        done = subprocess.run(
            [*command("serve"), "--port", str(free_port())], cwd=folder, env={**os.environ, **settings},
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:  # it serves
        return DamageOutcome(file=name, exit_code=None, lines=0, names_it=False)
    lines = (done.stdout + done.stderr).splitlines()
    return DamageOutcome(file=name, exit_code=done.returncode, lines=len(lines), names_it=name in lines[-1])
