"""All that clocks are computed with. In: a bank's folder and holiday table, or nothing. Out: one `PolicyBook`.

    book = load_book(folder, holidays)
    policy = book.of(case.policy_version)

The folder's `policy.yaml` is what new cases are opened with; the versions before lie beside it. The shipped policy
counts as one of them, so that cases from before a bank wrote its own keep theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.errors import PolicyError
from data.policy.calendar import Calendar, default_calendar, load_calendar
from data.policy.schema import POLICY_PATH, Policy, load_policies, load_policy, policy_of


@dataclass(frozen=True, kw_only=True)
class PolicyBook:
    """`current` is for new cases; every case keeps the version it was opened with."""

    current: Policy
    versions: Mapping[str, Policy]
    calendar: Calendar

    def of(self, version: str) -> Policy:
        """Raises PolicyError that names a version whose file is gone."""
        return policy_of(version, self.versions)


def load_book(folder: Path | None = None, holidays: Path | None = None) -> PolicyBook:
    """Read a bank's own folder and holiday table, by default the shipped ones. Raises PolicyError.

    Where a bank's version has the number of a shipped one, the bank's holds.
    """
    calendar = load_calendar(holidays) if holidays else default_calendar()
    shipped = load_policies()
    if folder is None:
        return PolicyBook(current=load_policy(), versions=shipped, calendar=calendar)
    file = folder / POLICY_PATH.name
    if not file.is_file():
        raise PolicyError(
            f"{folder} holds no {POLICY_PATH.name}; expected the policy for new cases there, older ones beside it",
            f"政策目录 {folder} 中没有 {POLICY_PATH.name}；请放入现行政策文件，历史版本放在同一目录",
        )
    return PolicyBook(current=load_policy(file), versions=shipped | load_policies(folder), calendar=calendar)


@cache
def default_book() -> PolicyBook:
    """What comes with this package, read once."""
    return load_book()
