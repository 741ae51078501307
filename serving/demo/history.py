"""Two years of a bank at work. In: an empty store, a plan. Out: the store with every case, decision, extension, end.

Everything goes through the same calls as in the service, in the order of its time; the store's clock is moved along.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from data.days import china_day
from data.errors import XiaobaoError
from data.store.clock_records import NewClosing, Reopening
from data.store.records import Facets, NewLabel
from data.store.rectifications import NewRectification
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork
from models.predictor import Predictor
from serving.api.requests import TriageRequest
from serving.clock_rounds import look_at_clocks
from serving.demo.bank import REGIONS, hotline_of, people_of
from serving.demo.plan import FORWARDED, PlannedCase
from serving.intake import Complaint, keep
from serving.quality_rounds import draw_for_quality
from serving.warning.rounds import look_in_the_morning

Step = Callable[[], None]
CORRECTED_SECONDS, CONFIRMED_SECONDS = 64.0, 27.0
MORNINGS = 30
"""For so many days before today the service's own rounds are made: reminders, early warnings, the quality draw."""
QUALITY_SHARE = 0.4  # of few cases a day; a bank draws a twentieth of that
UNREAD = timedelta(days=3)
"""For so long nobody has read blind, so that somebody may."""
PRESSED = ("期限已过，请今日联系客户并上报处理方案。", "请说明未办结原因，明日前反馈进展。")
MENDED_EVERY = 4  # of the complaints that the bank answers for


class MovedClock:
    """The store's clock: stands where it was put."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@dataclass(kw_only=True)
class History:
    """Carries a plan out. `refused` counts steps that the store did not allow, by their code."""

    store: Store
    predictor: Predictor
    clock: MovedClock
    until: datetime
    refused: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._people = people_of(self.store)
        self._hotline = hotline_of(self.store)
        self._planned: dict[str, PlannedCase] = {}
        self._steps: list[tuple[datetime, int, Step]] = []
        self._order = itertools.count()

    def run(self, planned: Sequence[PlannedCase]) -> Iterator[datetime]:
        """All of it in the order of time; yields where the clock stands after each step."""
        for case in planned:
            self._at(case.received_at, lambda case=case: self._receive(case))  # type: ignore[misc]
        midnight = self.until.replace(hour=0, minute=0, second=0, microsecond=0)
        for back in range(MORNINGS, -1, -1):
            self._at(midnight - timedelta(days=back), self._morning)  # eight o'clock in China
        while self._steps and self._steps[0][0] <= self.until:
            at, _, step = heapq.heappop(self._steps)
            self.clock.at = at
            try:
                step()
            except XiaobaoError as error:
                self.refused[error.code] = self.refused.get(error.code, 0) + 1
            yield at

    def _at(self, moment: datetime, step: Step) -> None:
        heapq.heappush(self._steps, (moment, next(self._order), step))

    def _receive(self, case: PlannedCase) -> None:
        """Triage and keep; what follows is put on the list."""
        item = self.predictor.prepare(case.text.text)
        [inference] = self.predictor.infer([item])
        answer = self.predictor.answer(item, inference, full=True)
        body = TriageRequest(
            text=case.text.text,
            external_id=f"D{case.number:05d}",
            source=case.source,  # type: ignore[arg-type]
            input=case.text.input,
            received_at=case.received_at.astimezone(UTC).isoformat(timespec="seconds"),  # type: ignore[arg-type]
            branch=case.unit,
            region=REGIONS[case.branch],
            customer_ref=case.customer,
            regulator_ref=f"ZB{case.number:06d}" if case.source in FORWARDED else None,
        )
        kept = keep(self.store, Complaint(body=body, item=item, answer=answer), self._hotline)
        assert kept.case is not None
        self._follow(kept.case.id, case)

    def _morning(self) -> None:
        """What the service does by itself, and the readings of whoever comes in first."""
        look_at_clocks(self.store)
        look_in_the_morning(self.store)
        draw_for_quality(self.store, QUALITY_SHARE)
        for people in self._people.values() if self.until - self.clock.at > UNREAD else ():
            for user_id in people.values():
                self._read_blind(user_id)
        if self.until - self.clock.at < timedelta(days=1):
            self._press()

    def _read_blind(self, user_id: str) -> None:
        """The first case that waits for somebody, without the model's answer."""
        with self.store.writing() as work:
            for draw, case in work.quality.waiting(user_id, within=work.users.path_of(user_id))[:1]:
                planned = self._planned[case.id]
                label = NewLabel(
                    user_id=user_id,
                    facets=_right(planned),
                    causes2=planned.text.causes2,
                    seconds_spent=CORRECTED_SECONDS,
                    is_blind=True,
                )
                work.quality.record(case.id, draw.purpose, label, within=work.users.path_of(user_id))

    def _press(self) -> None:
        """The head office writes to whoever lets a limit run out; the first has taken note."""
        head = next(iter(self._people["head"].values()))
        with self.store.writing() as work:
            late = [reminded.case for reminded in work.supervision.reminded(within=ROOT, is_acted=False)]
            pressed = [(case.id, case.assignee_id) for case in late if case.assignee_id is not None]
            for (case_id, handler), text in zip(pressed, PRESSED, strict=False):
                note = work.supervision.write(case_id, to_user=handler, text=text, from_user=head, within=ROOT)
                if text == PRESSED[0]:
                    work.supervision.acknowledge(note.id, user_id=handler, within=ROOT)

    def _acknowledge(self, case_id: str, case: PlannedCase) -> None:
        with self.store.writing() as work:
            for alert, alerted in work.alerts.listed(within=ROOT, is_open=True):
                if alerted.id == case_id:
                    work.alerts.acknowledge(alert.id, user_id=self._who(case), within=ROOT)

    def _follow(self, case_id: str, case: PlannedCase) -> None:
        self._planned[case_id] = case
        received = case.received_at
        self._at(received + case.taken_after, lambda: self._acknowledge(case_id, case))
        self._at(received + case.decided_after, lambda: self._decide(case_id, case))
        if case.extended_after is not None:
            self._at(received + case.extended_after, lambda: self._extend(case_id, case))
        self._at(received + case.closed_after, lambda: self._close(case_id, case))

    def _decide(self, case_id: str, case: PlannedCase) -> None:
        user_id = self._who(case)
        with self.store.writing() as work:
            stood = _stood(work, case_id)
            decided = stood if case.agrees else _right(case)
            seconds = CONFIRMED_SECONDS if decided == stood else CORRECTED_SECONDS
            label = NewLabel(
                user_id=user_id,
                facets=decided,
                causes2=() if case.agrees else case.text.causes2,
                seconds_spent=round(seconds * (0.5 + case.number % 10 / 8), 1),
                reason="通读全文后未见该风险情形" if set(stood.flags) - set(decided.flags) else "",
            )
            work.assignments.assign(case_id, user_id=user_id, actor_id=user_id, within=ROOT)
            work.labels.add(case_id, label, within=ROOT)
        self._acknowledge(case_id, case)  # of a flag that the decision raised

    def _extend(self, case_id: str, case: PlannedCase) -> None:
        asks, grants = self._two(case)
        with self.store.writing() as work:
            asked = work.extensions.request(
                case_id,
                step="D2",
                total=30,
                reason="情况复杂",
                user_id=asks,
                within=ROOT,
                note="需调阅录音录像并与客户核对",
            )
            extension_id = asked.id
        self._at(self.clock.at + timedelta(hours=3), lambda: self._grant(case_id, extension_id, grants))

    def _grant(self, case_id: str, extension_id: int, user_id: str) -> None:
        with self.store.writing() as work:
            work.extensions.approve(
                case_id, extension_id, user_id=user_id, within=ROOT, notified_on=china_day(self.clock.at)
            )

    def _close(self, case_id: str, case: PlannedCase) -> None:
        told = self.clock.at - timedelta(hours=1)
        closing = NewClosing(
            outcome=case.outcome,
            told_at=told,
            fed_back_at=told if case.source in FORWARDED else None,
            redress_fen=case.redress_fen,
            satisfaction=case.satisfaction,
            is_responsible=case.outcome in ("supported", "partly_supported"),
        )
        with self.store.writing() as work:
            work.cases.close(case_id, closing, actor_id=self._who(case), within=ROOT, note="已电话告知处理意见")
            subcause = work.cases.get(case_id, within=ROOT).subcause
        if closing.is_responsible and subcause is not None and case.number % MENDED_EVERY == 0:
            self._mend(case_id, case, subcause)
        if case.is_reopened:
            self._at(self.clock.at + timedelta(days=3), lambda: self._reopen(case_id, case))

    def _reopen(self, case_id: str, case: PlannedCase) -> None:
        reopening = Reopening(reason="new_facts", at=self.clock.at - timedelta(hours=2))
        with self.store.writing() as work:
            work.cases.reopen(case_id, reopening, actor_id=self._who(case), within=ROOT, note="客户补充了新的凭证")
        self._at(self.clock.at + timedelta(days=6), lambda: self._close(case_id, replace(case, is_reopened=False)))

    def _mend(self, case_id: str, case: PlannedCase, subcause: str) -> None:
        """Put a rectification item down; most are finished before they are due."""
        new = NewRectification(
            subcause=subcause,
            owner_id=self._who(case),
            due_on=china_day(self.clock.at + timedelta(days=45)),
            measure="梳理同类投诉，修订操作提示并组织网点培训，完成后抽查十笔业务",
        )
        with self.store.writing() as work:
            item_id = work.rectifications.open(case_id, new, actor_id=self._who(case), within=ROOT).id
        self._at(self.clock.at + timedelta(days=20 + case.number % 40), lambda: self._mended(item_id, case))

    def _mended(self, item_id: int, case: PlannedCase) -> None:
        with self.store.writing() as work:
            work.rectifications.finish(
                item_id, result="已完成修订与培训，抽查未见同类问题", actor_id=self._who(case), within=ROOT
            )

    def _who(self, case: PlannedCase) -> str:
        """Somebody of the branch, always the same for a case."""
        people = list(self._people[case.branch].values())
        return people[case.number % len(people)]

    def _two(self, case: PlannedCase) -> tuple[str, str]:
        """Who asks for more time, and the supervisor of the head office who grants it."""
        return self._who(case), next(iter(self._people["head"].values()))


def _stood(work: UnitOfWork, case_id: str) -> Facets:
    """What the case says now."""
    case = work.cases.get(case_id, within=ROOT)
    return Facets(
        order_type=case.order_type,
        category=case.category,
        leaf=case.leaf,
        cause=case.cause,
        subcause=case.subcause,
        channel=case.channel,
        flags=work.cases.flags(case_id, within=ROOT),
    )


def _right(case: PlannedCase) -> Facets:
    """What the corpus says."""
    text = case.text
    return Facets(
        order_type=text.order_type,
        category=text.category,
        leaf=text.leaf,
        cause=text.cause,
        subcause=text.subcause,
        channel=text.channel,
        flags=text.flags,
    )
