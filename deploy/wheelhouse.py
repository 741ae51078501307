"""Everything a bank without a network needs to install xiaobao. In: this checkout. Out: a folder of wheels.

    python deploy/wheelhouse.py wheelhouse
    pip install --no-index --find-links wheelhouse --require-hashes -r wheelhouse/requirements.txt

The folder holds the serving wheels for this machine's Python and platform, `requirements.txt` with the sha256 of each,
and `sbom.json` (CycloneDX).
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Build wheels, write hashes, write the bill of materials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(folder), str(CHECKOUT))
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(pinned(wheel) for wheel in sorted(folder.glob("*.whl"))), encoding="utf-8")
    sbom = folder / "sbom.json"
    _run(
        sys.executable, "-m", "cyclonedx_py", "requirements", str(requirements),
        "--pyproject", str(CHECKOUT / "pyproject.toml"), "--output-reproducible", "-o", str(sbom),
    )  # fmt: skip
    sys.stdout.write(f"{len(list(folder.glob('*.whl')))} wheels, hashes and SBOM in {folder}\n")


def pinned(wheel: Path) -> str:
    """A requirements line with the wheel's hash."""
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name}=={version} --hash=sha256:{digest}\n"


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
