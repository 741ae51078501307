"""Labels as a dataset. In: rows. Out: a folder that names itself by its content, checked when it is read.

    FOLDER/2026-11-30-3fa94c1b/train.jsonl, gate.jsonl, manifest.json

A fifth of the texts, chosen by a hash of the id and so the same in every snapshot, is the gate's: nothing is trained on
it. A row of `gate.jsonl` is a row of a gold file as well (`xiaobao gate --gold`). Texts are redacted. What was erased
in the store leaves every snapshot (`forget`); the manifest then says how many rows are gone.
"""

import hashlib
import json
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from data.days import CHINA
from data.errors import InputFileError
from data.files import draft_of, write_whole
from data.json_lines import read_lines
from data.schema import LabelledText

SPLITS = ("train", "gate")
MANIFEST = "manifest.json"
HUGGING_FACE = "datasets"
GATE_SHARE = 5  # one text in five
Source = Literal["review", "label_studio"]


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """One decided text. `readings`: blind second readings, each the codes of one person."""

    id: str
    text: str = field(repr=False)
    order_type: str
    category: str | None
    leaf: str | None
    cause: str | None
    subcause: str | None
    channel: str
    causes2: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    labelled_at: datetime
    reviewer: str
    """A pseudonym."""
    bundle: str | None = None
    """The model whose answer stood beside the decision."""
    source: Source = "review"
    readings: tuple[Mapping[str, Any], ...] = ()
    probabilities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """That model's, by facet and code."""

    @property
    def split(self) -> str:
        digest = hashlib.sha256(self.id.encode()).digest()
        return "gate" if int.from_bytes(digest[:4]) % GATE_SHARE == 0 else "train"

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"labelled_at": self.labelled_at.isoformat()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        lists = {name: tuple(content.get(name) or ()) for name in ("causes2", "flags", "readings")}
        return cls(**content | lists | {"labelled_at": datetime.fromisoformat(content["labelled_at"])})

    def labelled(self) -> LabelledText:
        """The row as training reads it: nobody marked words or wrote down a voice."""
        return LabelledText(
            id=self.id,
            text=self.text,
            order_type=self.order_type,
            category=self.category,
            leaf=self.leaf,
            cause=self.cause,
            subcause=self.subcause,
            channel=self.channel,
            causes2=self.causes2,
            flags=self.flags,
            voice="unknown",
            input="typed",
            names_product=False,
            scenario=self.id,
            writer=self.reviewer,
        )


def write_snapshot(folder: Path, rows: Iterable[LabelRow], *, versions: Mapping[str, str], hugging_face: bool) -> Path:
    """A new snapshot below `folder`, or the one that holds the same rows already; a damaged one is written anew."""
    parts = _parts(rows)
    target = folder / _name_in(folder, parts)
    if target.is_dir():
        if _is_sound(target):
            if hugging_face and not (target / HUGGING_FACE).is_dir():
                _write_hugging_face(target / HUGGING_FACE, _parts(read_snapshot(target)))
            return target
        shutil.rmtree(target)
    clear_drafts(folder)
    draft = folder / f".{target.name}.new"
    draft.mkdir(parents=True)
    now = datetime.now(UTC).isoformat()
    content = {"name": target.name, "created_at": now, "versions": dict(versions), "forgotten": 0}
    _fill(draft, parts, content, hugging_face=hugging_face)
    draft.rename(target)
    return target


def snapshot_name(folder: Path, rows: Iterable[LabelRow]) -> str:
    """What `write_snapshot` will call the snapshot of these rows."""
    return _name_in(folder, _parts(rows))


def read_snapshot(folder: Path, splits: Collection[str] = SPLITS) -> list[LabelRow]:
    """Rows of some splits, every file checked against the manifest. Raises InputFileError."""
    manifest = read_manifest(folder)
    rows = []
    for split in splits:
        file = folder / f"{split}.jsonl"
        if not file.is_file() or _sha256(file) != manifest["files"][file.name]["sha256"]:
            raise InputFileError(f"{file.name} of snapshot {folder.name} is missing or was changed; pull it again")
        rows += [LabelRow.from_json(json.loads(line)) for line in read_lines(file)]
    return rows


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises InputFileError."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputFileError(f"{folder} holds no readable {MANIFEST}; expected a snapshot: labels pull") from error
    if not (isinstance(content, dict) and {f"{split}.jsonl" for split in SPLITS} <= set(content.get("files") or ())):
        raise InputFileError(f"{MANIFEST} in {folder} is no snapshot's; pull it again: labels pull")
    return content


def snapshots(folder: Path) -> list[Path]:
    """All snapshots below a folder, by name, also those that a kill or a hand left without a manifest."""
    names = (MANIFEST, *(f"{split}.jsonl" for split in SPLITS))
    return sorted({file.parent for name in names for file in folder.glob(f"*/{name}")})


def clear_drafts(folder: Path) -> None:
    """Remove what a writer that was killed left below a folder of snapshots: texts that `forget` would not find."""
    for left in (*folder.glob(".*.new"), *folder.glob("*/.*.new")):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def forget(folder: Path, ids: Collection[str]) -> int:
    """Take rows out of a snapshot for good; returns how many. Raises InputFileError."""
    rows = read_snapshot(folder)
    kept = [row for row in rows if row.id not in ids]
    gone = len(rows) - len(kept)
    if gone:
        manifest = read_manifest(folder)
        parts = _parts(kept)
        manifest["forgotten"] += gone
        _fill(folder, parts, manifest, hugging_face=(folder / HUGGING_FACE).is_dir())
    return gone


def _parts(rows: Iterable[LabelRow]) -> dict[str, str]:
    """The content of each split's file."""
    ordered = sorted(rows, key=lambda row: row.id)
    return {split: _lines(row for row in ordered if row.split == split) for split in SPLITS}


def _name_in(folder: Path, parts: Mapping[str, str]) -> str:
    """The name by content; the day, in China, is that of the first snapshot of it."""
    digest = hashlib.sha256("".join(parts.values()).encode()).hexdigest()[:8]
    same = sorted(other.name for other in folder.glob(f"*-{digest}"))
    return same[0] if same else f"{datetime.now(CHINA):%Y-%m-%d}-{digest}"


def _is_sound(folder: Path) -> bool:
    try:
        read_snapshot(folder)
    except InputFileError:
        return False
    return True


def _fill(folder: Path, parts: Mapping[str, str], manifest: dict[str, Any], *, hugging_face: bool) -> None:
    """Write the manifest last: killed in between, the snapshot is damaged and says so."""
    shutil.rmtree(folder / HUGGING_FACE, ignore_errors=True)
    for split, text in parts.items():
        write_whole(folder / f"{split}.jsonl", text)
    if hugging_face:
        _write_hugging_face(folder / HUGGING_FACE, parts)
    files = {f"{split}.jsonl": _described(folder / f"{split}.jsonl", text) for split, text in parts.items()}
    write_whole(folder / MANIFEST, json.dumps(manifest | {"files": files}, ensure_ascii=False, indent=1) + "\n")


def _described(file: Path, text: str) -> dict[str, Any]:
    return {"sha256": _sha256(file), "rows": text.count("\n")}


def _write_hugging_face(folder: Path, parts: Mapping[str, str]) -> None:
    """The same rows as a Hugging Face dataset on disk; nested columns as JSON. Raises InputFileError."""
    try:
        from datasets import Dataset, DatasetDict
    except ImportError as error:
        raise InputFileError(
            "the datasets format needs the extra `datasets`: pip install 'xiaobao[datasets]'"
        ) from error
    splits = {}
    for split, text in parts.items():
        rows = [json.loads(line) for line in text.split("\n") if line]
        nested = ("readings", "probabilities")
        flat = [row | {name: json.dumps(row[name], ensure_ascii=False) for name in nested} for row in rows]
        if flat:
            splits[split] = Dataset.from_list(flat)
    draft = draft_of(folder)
    shutil.rmtree(draft, ignore_errors=True)
    DatasetDict(splits).save_to_disk(str(draft))
    draft.rename(folder)


def _lines(rows: Iterable[LabelRow]) -> str:
    return "".join(json.dumps(row.to_json(), ensure_ascii=False, sort_keys=True) + "\n" for row in rows)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
