"""Files that are there as a whole. In: a place, new content. Out: the old content or the new, never a part."""

import os
from pathlib import Path


def draft_of(file: Path) -> Path:
    """Where the new content lies until it is on disk; a process that is killed leaves it behind, the next one takes it.

    Always the same, so that no copies of texts pile up: writers who may meet hold a lock.
    """
    return file.with_name(f".{file.name}.new")


def write_whole(file: Path, content: str) -> None:
    """Write beside the file, bring it to disk, then put it in its place in one step."""
    draft = draft_of(file)
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, file)
