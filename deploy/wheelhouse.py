"""Everything a bank without a network needs to install xiaobao. In: this checkout. Out: a folder of wheels.

    python deploy/wheelhouse.py wheelhouse [--extra postgres] [--extra reports]
    pip install --no-index --find-links wheelhouse --require-hashes -r wheelhouse/requirements.txt

The folder holds the serving wheels for this machine's Python and platform, `requirements.txt` with the sha256 of each,
and `sbom.json` (CycloneDX, with licences and who needs whom). The bill of materials is read from a trial installation
made with the second command, so a wheelhouse that does not install is never finished.
"""

import argparse
import hashlib
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "data", "models", "eval", "training", "serving")
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "corpus", "raw", "artifacts")


def main() -> None:
    """Build wheels, write hashes, install them for trial, write the bill of materials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--extra", action="append", default=[], help="Of xiaobao, for what needs one.")
    options = parser.parse_args()
    folder: Path = options.folder
    with tempfile.TemporaryDirectory(prefix="xiaobao-wheelhouse-") as scratch:
        wheels = build_wheels(folder, copy_sources(Path(scratch) / "source"), options.extra)
        requirements = folder / "requirements.txt"
        requirements.write_text("".join(map(pinned, wheels)), encoding="utf-8")
        write_sbom(folder / "sbom.json", install(folder, requirements, Path(scratch) / "trial"))
    sys.stdout.write(f"{len(wheels)} wheels, hashes and SBOM in {folder}\n")


def copy_sources(target: Path) -> Path:
    """The checkout without what does not ship; a build in place would ship old modules left in `build/`."""
    target.mkdir()
    for name in SOURCES:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=NOT_SHIPPED)
        else:
            shutil.copy(source, target)
    return target


def build_wheels(folder: Path, source: Path, extras: list[str]) -> list[Path]:
    """Wheels of xiaobao and of everything it needs to serve and for these extras; older wheels in the folder go."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    wanted = f"{source}[{','.join(extras)}]" if extras else str(source)
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(folder), wanted)
    return sorted(folder.glob("*.whl"))


def pinned(wheel: Path) -> str:
    """A requirements line with the wheel's hash."""
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name}=={version} --hash=sha256:{digest}\n"


def install(folder: Path, requirements: Path, target: Path) -> Path:
    """Install without a network into a new environment; returns its Python."""
    _run(sys.executable, "-m", "venv", "--without-pip", str(target))
    python = target / "bin" / "python"
    _run(
        sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile",
        "--no-index", "--find-links", str(folder), "--require-hashes", "-r", str(requirements),
    )  # fmt: skip
    return python


def write_sbom(file: Path, python: Path) -> None:
    """The bill of materials of what is installed in an environment."""
    _run(
        sys.executable, "-m", "cyclonedx_py", "environment", str(python),
        "--pyproject", str(CHECKOUT / "pyproject.toml"), "--output-reproducible", "-o", str(file),
    )  # fmt: skip


def _run(*command: str) -> None:
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"wheelhouse not finished, this step failed: {shlex.join(command)}")


if __name__ == "__main__":
    main()
