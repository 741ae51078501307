"""Changes of the registry. In: a registry, a candidate, who and why. Out: another pointer, one more line of history.

One writer at a time holds the lock. The pointer is replaced in one step (`os.replace`), after the history is on disk:
a reader sees the old model or the new one, and a rollback always knows where to.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from data.errors import RegistryError
from data.files import write_whole
from models.bundle import CURRENT_POINTER, load_bundle
from models.registry import (
    GATES,
    HISTORY,
    SHADOW,
    Action,
    GateRecord,
    Promotion,
    Registry,
    Shadow,
    known_bundle,
    previous_of,
)

LOCK_SECONDS = 10.0
LEAST_REASON = 4


@contextmanager
def writing(registry: Registry) -> Iterator[None]:
    """Hold the registry's lock. Raises RegistryError while another process writes for long."""
    registry.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(registry.folder / ".lock", timeout=LOCK_SECONDS):
            yield
    except Timeout:
        raise RegistryError(
            f"another process has been writing to {registry.folder} for {LOCK_SECONDS:.0f} s; try again"
        ) from None


def add(registry: Registry, source: Path) -> str:
    """Copy a bundle into the registry, whole or not at all; returns its name. Raises BundleError, RegistryError."""
    load_bundle(source)
    name = known_bundle(source)
    target = registry.folder / name
    with writing(registry):
        if target.exists():
            raise RegistryError(f"there is a model {name} in {registry.folder} already; name the new one otherwise")
        draft = registry.folder / f".{name}.adding"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(source, draft)
        load_bundle(draft)
        draft.rename(target)
    return name


def promote(registry: Registry, name: str, *, who: str, reason: str, force: bool = False) -> Promotion:
    """Let a model serve that has passed the gate against the one that serves now, or any with `force` and a reason.

    Raises RegistryError saying what the gate found, BundleError for a damaged model.
    """
    if force and len(reason.strip()) < LEAST_REASON:
        raise RegistryError(f"--force goes past the gate; it needs a --reason of at least {LEAST_REASON} characters")
    load_bundle(registry.folder_of(name))
    with writing(registry):
        if not force:
            _refuse_unless_passed(registry, name)
        return _point(registry, name, action="force" if force else "promote", who=who, reason=reason)


def rollback(registry: Registry, *, who: str, reason: str) -> Promotion:
    """Let the model serve that served before. Raises RegistryError if there is none, BundleError for a damaged one."""
    with writing(registry):
        earlier = previous_of(registry.history(), registry.current())
        load_bundle(registry.folder_of(earlier))
        return _point(registry, earlier, action="rollback", who=who, reason=reason)


def keep_gate_record(registry: Registry, record: GateRecord) -> Path:
    """Write what the gate said; the latest word counts."""
    with writing(registry):
        file = registry.folder / GATES / f"{record.candidate}.json"
        file.parent.mkdir(exist_ok=True)
        write_whole(file, record.to_json())
    return file


def set_shadow(registry: Registry, shadow: Shadow | None) -> None:
    """Let a candidate read along, or stop it. Raises RegistryError, BundleError."""
    if shadow is not None:
        load_bundle(registry.folder_of(shadow.name))
    with writing(registry):
        if shadow is None:
            (registry.folder / SHADOW).unlink(missing_ok=True)
        else:
            write_whole(registry.folder / SHADOW, json.dumps({"name": shadow.name, "share": shadow.share}) + "\n")


def _refuse_unless_passed(registry: Registry, name: str) -> None:
    current, record = registry.current(), registry.gate_record(name)
    ask = f"ask the gate: xiaobao gate {name}"
    if current is None:
        raise RegistryError(f"no model serves yet, so {name} has nothing to be compared with; use --force --reason")
    if record is None:
        raise RegistryError(f"{name} has no gate record; {ask}; or use --force --reason")
    if (record.candidate_seal, record.current, record.current_seal) != (
        registry.seal(name),
        current,
        registry.seal(current),
    ):
        raise RegistryError(f"the gate record of {name} speaks about other files or another current model; {ask}")
    if not record.passed:
        failed = "; ".join(f"{f.check} {f.subject}: {f.found}" for f in record.findings if not f.passed)
        raise RegistryError(f"{name} has not passed the gate: {failed}")


def _point(
    registry: Registry,
    name: str,
    *,
    action: Action,
    who: str,
    reason: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Promotion:
    step = Promotion(
        at=now(),
        who=who,
        action=action,
        before=registry.current(),
        after=name,
        reason=reason.strip(),
        seal=registry.seal(name),
    )
    history = registry.folder / HISTORY
    before = history.read_text(encoding="utf-8") if history.is_file() else ""
    write_whole(
        history, f"{before}{step.to_json()}\n"
    )  # half a line, as a full disk leaves it, would bar every way back
    write_whole(registry.folder / CURRENT_POINTER.name, name + "\n")
    return step
