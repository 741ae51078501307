"""What a run in partitions is. In: a file, a bundle, a size. Out: a folder that only the same run goes on in.

answers.parquet/
    plan.json                         what is read, with what, in how large parts
    part-00000/answers.parquet        one folder a partition (`serving.cluster.partitions`)
    part-00000/errors.jsonl           rows without an answer, where there are any
    part-00000/record.json
    manifest.json                     all partitions; written last, so the run is whole where it is there
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from data.errors import InputFileError
from data.files import draft_of, write_whole
from models.bundle import Bundle, seal_of

PLAN = "plan.json"
LOCK = ".lock"


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """Two runs are the same if all of this is the same: then answers of both may stand side by side."""

    input: str
    input_sha256: str
    bundle: str
    bundle_sha256: str
    policy: str
    format: str
    """The ending of the files of answers."""
    partition_rows: int


def plan_of(input_file: Path, output_folder: Path, bundle: Bundle, *, policy: str, partition_rows: int) -> RunPlan:
    """The plan of a run; reads the input once for its hash."""
    with input_file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return RunPlan(
        input=input_file.name,
        input_sha256=digest,
        bundle=bundle.name,
        bundle_sha256=seal_of(bundle.folder),
        policy=policy,
        format=output_folder.suffix.lower() or ".jsonl",
        partition_rows=partition_rows,
    )


def begin(folder: Path, plan: RunPlan) -> None:
    """Make the folder, or go on in one of the same plan. Raises InputFileError where another run's answers stand."""
    file = folder / PLAN
    folder.mkdir(exist_ok=True)
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        changed = sorted(name for name, value in asdict(plan).items() if before.get(name) != value)
        if changed:
            raise InputFileError(
                f"{folder.name} holds a run with another {', '.join(changed)}; give --output another name"
            )
        return
    if any(path.name not in (LOCK, draft_of(file).name) for path in folder.iterdir()):
        raise InputFileError(f"{folder.name} holds other files; give --output a new name")
    write_whole(file, json.dumps(asdict(plan), ensure_ascii=False, indent=1) + "\n")
