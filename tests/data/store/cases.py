"""Complaints, answers and an organisation for the store's tests."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import MetaData, delete, select, text

from data.preparation import prepare_text
from data.store.clock_records import NewClosing
from data.store.crypto import MasterKeys
from data.store.overview import Period
from data.store.records import Facets, NewCase, NewLabel, NewTriageResult
from data.store.scope import ROOT
from data.store.tables import Case
from data.store.unit_of_work import Store, UnitOfWork
from data.store.warning_records import Finding
from data.store.warning_tables import EarlyWarning, WarningDay
from data.taxonomy import default_taxonomy

HEAD, EAST, EAST_ONE, WEST = "/head/", "/head/east/", "/head/east/east-1/", "/head/west/"
MONDAY = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
NOVEMBER = Period(first=date(2026, 11, 1), last=date(2026, 11, 30))
TEXT = "我叫王丽，手机13800138000，被骗转走五万，征信也受影响，请尽快还款。"
SECRET = "748213"
SECRET_TEXT = f"验证码{SECRET}我已经告诉他了，银行卡密码是Qz7!kd92，钱还是被转走了，手机13900139000。"


class Clock:
    """A clock that stands still until moved."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


def master_key(name: str) -> str:
    """`id:base64` of a key that is random enough, the same for the same name."""
    return f"{name}:{base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()}"


def masters(*names: str) -> MasterKeys:
    """Master keys, the current one first."""
    return MasterKeys.parse(",".join(map(master_key, names)))


def build_organisation(store: Store) -> None:
    """head ⊃ east ⊃ east-1, head ⊃ west; a supervisor and a handler in each of the branches, one of each other role."""
    with store.writing() as work:
        for unit_id, parent in (("head", None), ("east", "head"), ("east-1", "east"), ("west", "head")):
            work.units.add(unit_id, name=unit_id, parent_id=parent, within=ROOT)
        for role, unit in (("supervisor", "east"), ("handler", "east"), ("supervisor", "west"), ("handler", "west")):
            work.users.add(login=f"{role}-{unit}", name="测试", role=role, unit_id=unit, within=ROOT)
        for role in ("system", "engineer", "auditor", "compliance", "admin"):
            work.users.add(login=role, name="测试", role=role, unit_id="head", within=ROOT)


def user_id(store: Store, login: str) -> str:
    with store.reading() as work:
        return work.users.by_login(login, within=ROOT).id


def new_case(original: str = TEXT, **changes: Any) -> NewCase:
    """A complaint that the hotline delivers to the eastern branch."""
    values: dict[str, Any] = {
        "source_system": "hotline",
        "unit_id": "east",
        "received_at": MONDAY,
        "original": original,
        "prepared": prepare_text(original, default_taxonomy()),
    }
    return NewCase(**(values | changes))


def facets(**changes: Any) -> Facets:
    values: dict[str, Any] = {
        "order_type": "complaint",
        "category": "B03A",
        "leaf": "B03A.05",
        "cause": "C02",
        "subcause": "C02.1",
        "channel": "mobile",
        "flags": ("E07", "P02"),
    }
    return Facets(**(values | changes))


def result(bundle: str = "2026-11-29b", **changes: Any) -> NewTriageResult:
    """A model's answer."""
    policy = changes.pop("policy", "1.2.0")
    return NewTriageResult(
        bundle=bundle,
        taxonomy="1.0.0",
        redaction="1.0.0",
        policy=policy,
        facets=facets(**changes),
        band="suggest",
        priority="urgent",
        answer={"id": "x", "issues": [], "evidence": "被骗"},
        probabilities={"category": {"B03A": 0.71, "B02": 0.29}, "flags": {"E07": 0.93}},
    )


def label(user: str, **changes: Any) -> NewLabel:
    blind = changes.pop("is_blind", False)
    reason = changes.pop("reason", "")
    return NewLabel(user_id=user, facets=facets(**changes), seconds_spent=12.5, is_blind=blind, reason=reason)


def told(at: datetime, **changes: Any) -> NewClosing:
    """The usual end: the complainant was told the decision."""
    return NewClosing(**({"outcome": "supported", "told_at": at} | changes))


def put(store: Store, original: str = TEXT, **changes: Any) -> Case:
    """Store one complaint."""
    answer = changes.pop("result", None) or result()
    with store.writing() as work:
        return work.cases.add(new_case(original, **changes), answer, actor_id="hotline-key", within=ROOT).case


def record_warnings(work: UnitOfWork, *findings: Finding) -> Sequence[EarlyWarning]:
    """As a look at a day of its own does; returns the new ones."""
    day = date(2000, 1, 1)
    work.session.execute(delete(WarningDay).where(WarningDay.day == str(day)))
    hold = work.warnings.claim(day)
    assert hold is not None
    return work.warnings.record(findings, hold=hold)


def all_values(store: Store) -> Sequence[tuple[str, str]]:
    """Every value of every table of the database, those of the search index included, as (table, text)."""
    with store.engine.connect() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        found = [
            (table.name, _readable(value))
            for table in metadata.sorted_tables
            for row in connection.execute(
                select(*(text(f'"{column.name}"') for column in table.columns)).select_from(table)
            )
            for value in row
        ]
        assert {name for name, _ in found} >= {"cases", "search_texts", "search_grams", "originals", "key_material"}
        return found


def _readable(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
