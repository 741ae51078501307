"""What every recognizer gives back."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PiiSpan:
    """A piece of personal data: `start:end` in code points of the text it was found in."""

    kind: str
    start: int
    end: int

    def overlaps(self, other: "PiiSpan") -> bool:
        return self.start < other.end and other.start < self.end
