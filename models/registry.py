"""A folder of models and what happened to it. In: a folder. Out: names, the current one, gate records, history.

    NAME/…            a bundle with its manifest (`models.bundle`)
    CURRENT           the name of the model that serves, replaced in one step
    SHADOW            a candidate and its share of the traffic, or absent
    history.jsonl     one line a promotion: when, who, what, from, to, why; lines are only ever added
    gates/NAME.json   what the gate said about a candidate, with the hashes of both models
    drift/NAME.json   what a model knows (`models.drift`); drift/latest.json: how far the last days are from it
    golden.yaml       what a model must answer before it serves (`models.golden`), or absent: the shipped cases
    .lock             held by whoever writes; readers need none

Nothing here loads a network. `models.promotion` changes the folder.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from data.errors import BundleError, RegistryError
from data.json_lines import read_lines
from models.bundle import CURRENT_POINTER, MANIFEST, current_bundle_folder, models_folder, seal_of

SHADOW = "SHADOW"
HISTORY = "history.jsonl"
GATES = "gates"
DRIFT = "drift/latest.json"
Action = Literal["promote", "force", "rollback"]


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """A line of the history."""

    at: datetime
    who: str
    action: Action
    before: str | None
    """The model that served until then; None for the first one."""
    after: str
    reason: str
    seal: str
    """sha256 of the manifest of `after`."""

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"at": self.at.isoformat()}, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> Self:
        content = json.loads(line)
        return cls(**content | {"at": datetime.fromisoformat(content["at"])})


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One demand of the gate: what was found, what is expected."""

    check: str
    subject: str
    passed: bool
    found: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class GateRecord:
    """What the gate said; it speaks about these two models, byte for byte, and no other."""

    at: datetime
    candidate: str
    candidate_seal: str
    current: str
    current_seal: str
    texts: int
    sets: tuple[str, ...]
    rules_sha256: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        return all(finding.passed for finding in self.findings)

    def to_json(self) -> str:
        content = asdict(self) | {"at": self.at.isoformat(), "passed": self.passed}
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        content = json.loads(text)
        content.pop("passed")
        content["findings"] = tuple(Finding(**finding) for finding in content["findings"])
        return cls(**content | {"at": datetime.fromisoformat(content["at"]), "sets": tuple(content["sets"])})


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """A candidate that reads a share of the traffic without answering."""

    name: str
    share: float


class Registry:
    """Reads the folder; everything is read anew at each call, so that it is never stale."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or models_folder()

    def names(self) -> list[str]:
        """All bundles, sealed ones only; what begins with a dot is being added."""
        return sorted(manifest.parent.name for manifest in self.folder.glob(f"[!.]*/{MANIFEST}"))

    def current(self) -> str | None:
        """The model that the pointer names, None without a pointer. Raises BundleError for a damaged one."""
        pointer = self.folder / CURRENT_POINTER.name
        return current_bundle_folder(self.folder).name if pointer.is_file() else None

    def folder_of(self, name: str) -> Path:
        """Raises RegistryError naming what there is."""
        if name == "current":
            return current_bundle_folder(self.folder)
        if name not in self.names():
            known = ", ".join(self.names()) or "none"
            raise RegistryError(f"no model {name!r} in {self.folder}; there are: {known}; see: xiaobao models list")
        return self.folder / name

    def seal(self, name: str) -> str:
        """What a model is, in one word (`seal_of`). Raises RegistryError."""
        return seal_of(self.folder_of(name))

    def history(self) -> list[Promotion]:
        """All promotions, oldest first. Raises RegistryError for a line that was changed by hand."""
        file = self.folder / HISTORY
        if not file.is_file():
            return []
        try:
            return [Promotion.from_json(line) for line in read_lines(file) if line]
        except (ValueError, TypeError, KeyError) as error:
            raise RegistryError(f"{HISTORY} in {self.folder} is damaged; expected a JSON object a line") from error

    def gate_record(self, name: str) -> GateRecord | None:
        """What the gate said about a candidate, None if it was never asked. Raises RegistryError."""
        file = self.folder / GATES / f"{name}.json"
        if not file.is_file():
            return None
        try:
            return GateRecord.from_json(file.read_text(encoding="utf-8"))
        except (ValueError, TypeError, KeyError) as error:
            raise RegistryError(f"{GATES}/{name}.json is damaged; ask the gate again: xiaobao gate {name}") from error

    def drift(self) -> tuple[dict[str, float], int] | None:
        """What the last check of drift found: distances by measure, number of alerts. Raises RegistryError."""
        file = self.folder / DRIFT
        try:
            content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return {str(name): float(value) for name, value in content["measures"].items()}, len(content["alerts"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RegistryError(f"{DRIFT} in {self.folder} is damaged; run again: xiaobao drift check") from error

    def shadow(self) -> Shadow | None:
        """The candidate that reads along. Raises RegistryError."""
        file = self.folder / SHADOW
        try:
            content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return Shadow(name=str(content["name"]), share=float(content["share"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RegistryError(f"{SHADOW} in {self.folder} is damaged; set it again: xiaobao models shadow") from error


def previous_of(history: list[Promotion], current: str | None) -> str:
    """The model to go back to: each rollback takes one promotion back. Raises RegistryError if there is none.

    Each step says what served before it: one whose writer died before it moved the pointer took no effect.
    """
    served: list[str] = []
    for step in history:
        served = _served_until(served, step.before)
        served = _served_until(served[:-1], step.after) if step.action == "rollback" else [*served, step.after]
    served = _served_until(served, current)
    if len(served) < 2:
        raise RegistryError("there is no earlier model to go back to; see: xiaobao models list --history")
    return served[-2]


def _served_until(served: list[str], now: str | None) -> list[str]:
    """What has served up to `now`, without steps that took no effect."""
    if now is None:
        return []
    if now not in served:
        return [*served, now]
    return served[: len(served) - served[::-1].index(now)]


def known_bundle(folder: Path) -> str:
    """The name that a bundle's manifest gives it. Raises BundleError."""
    try:
        return str(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["name"])
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(f"{folder} holds no readable {MANIFEST}; expected a bundle folder") from error
