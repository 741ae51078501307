"""Which split a text belongs to. In: the corpus and `splits.tsv`. Out: text id → split, fixed for ever.

Texts of one scenario or near-identical wording stay together (a group). A group's split follows from a hash of its
name; `splits.tsv` records it so that later texts never move earlier ones. Nobody tunes on `test` or `test_writer`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from data.errors import CorpusError
from data.schema import LabelledText

SPLITS_FILE = Path(__file__).with_name("corpus") / "splits.tsv"
# Of groups that are new. Those of w01–w63 were drawn 60/10/10/20; since then `test` is large enough and takes only new
# texts of its own groups. New texts to measure on are those of held-out writers (`test_writer`).
SHARES = (("train", 0.8), ("dev", 0.1), ("calibration", 0.1))
TEST_SPLIT = "test"
HELD_OUT_SPLIT = "test_writer"


def draw_split(group: str) -> str:
    """The split of a group, by hash of its name."""
    point = int.from_bytes(hashlib.sha256(f"xiaobao:{group}".encode()).digest()[:8]) / 2**64
    for name, share in SHARES:
        if point < share:
            return name
        point -= share
    return SHARES[-1][0]


def assign_splits(
    texts: Iterable[LabelledText],
    groups: Mapping[str, str],
    fixed: Mapping[str, str],
    held_out_writers: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """Text id → split. What is `fixed` stays; a new text joins the split of its group if that has one."""
    texts = list(texts)
    of_group = {groups[text.id]: fixed[text.id] for text in texts if text.id in fixed}
    for text in texts:
        if text.writer in held_out_writers:
            of_group.setdefault(groups[text.id], HELD_OUT_SPLIT)
    return {
        text.id: fixed.get(text.id) or of_group.get(groups[text.id]) or draw_split(groups[text.id]) for text in texts
    }


def read_splits(file: Path = SPLITS_FILE) -> dict[str, str]:
    """The committed splits; empty if there is no file yet."""
    if not file.exists():
        return {}
    known = {*(name for name, _ in SHARES), TEST_SPLIT, HELD_OUT_SPLIT}
    splits: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        text_id, _, split = line.partition("\t")
        if split not in known:
            raise CorpusError(f"{file.name}:{number}: split {split!r}, expected one of {sorted(known)}")
        splits[text_id] = split
    return splits


def write_splits(splits: Mapping[str, str], file: Path = SPLITS_FILE) -> None:
    """Write the splits, sorted by text id."""
    file.write_text("".join(f"{key}\t{splits[key]}\n" for key in sorted(splits)), encoding="utf-8")
