"""One transaction and what may be done in it. In: an open store. Out: repositories; a commit if nothing failed.

    store = open_store(url, masters)
    with store.writing() as work:
        stored = work.cases.add(new, result, actor_id=key.id, within=key.unit_path)

Services and routes never commit: leaving the block does. What they send out they send after it, so that nothing is
answered that is not stored, and no original is shown whose audit entry is not.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from data.errors import StoreUnavailableError
from data.policy.book import PolicyBook, default_book
from data.store.alerts import AlertRepository
from data.store.api_keys import ApiKeyRepository
from data.store.assignments import AssignmentRepository
from data.store.audit import AuditLog
from data.store.case_list import CaseList
from data.store.cases import CaseRepository
from data.store.clocks import ClockRepository
from data.store.closings import Closings
from data.store.confirmations import ConfirmationRepository
from data.store.crypto import AES, MasterKeys, check_cipher, derive
from data.store.deliveries import DeliveryRepository
from data.store.due_dates import DueDates
from data.store.engine import READ_ONLY, TIMEOUT_SECONDS, open_engine
from data.store.events import EventRepository
from data.store.extensions import ExtensionRepository
from data.store.failures import as_store_errors
from data.store.identities import IdentityRepository
from data.store.imports import ImportRepository
from data.store.key_material import KeyRing
from data.store.label_export import LabelExport
from data.store.labels import LabelRepository
from data.store.letters import LetterRepository
from data.store.migration import check_revision
from data.store.organisation import UnitRepository, UserRepository
from data.store.originals import OriginalRepository
from data.store.outbox import OutboxRepository
from data.store.overview import OverviewRepository
from data.store.policy_files import check_policies
from data.store.quality import QualityRepository
from data.store.readings import ReadingRepository
from data.store.rectifications import RectificationRepository
from data.store.reminders import ReminderRepository
from data.store.replies import ReplyRepository
from data.store.report_figures import ReportRepository
from data.store.saved_views import SavedViewRepository
from data.store.sign_in import SignInRepository
from data.store.supervision import SupervisionRepository
from data.store.triage_results import TriageResultRepository
from data.store.undoing import UndoRepository
from data.store.warning_signals import WarningSignals
from data.store.warnings import WarningRepository
from data.store.webhooks import WebhookRepository

Clock = Callable[[], datetime]
REVEAL_ROLES = frozenset({"supervisor", "compliance"})


def utc_now() -> datetime:
    return datetime.now(UTC)


class UnitOfWork:
    """All repositories on one transaction."""

    def __init__(
        self,
        session: Session,
        *,
        masters: MasterKeys,
        cipher: str,
        secret: bytes,
        reveal_roles: frozenset[str],
        book: PolicyBook,
        now: Clock,
    ) -> None:
        self.keys = KeyRing(session, masters, cipher)
        self.audit = AuditLog(session, key=derive(secret, "audit"), now=now)
        self.units = UnitRepository(session)
        self.users = UserRepository(session, now=now)
        self.api_keys = ApiKeyRepository(session, audit=self.audit, now=now)
        self.sign_in = SignInRepository(session, audit=self.audit, now=now)
        self.identities = IdentityRepository(session, audit=self.audit, now=now)
        self.events = EventRepository(session, now=now)
        self.outbox = OutboxRepository(session, now=now)
        self.alerts = AlertRepository(session, policy=book.current, outbox=self.outbox, events=self.events, now=now)
        self.webhooks = WebhookRepository(session, keys=self.keys, now=now)
        self.deliveries = DeliveryRepository(session, webhooks=self.webhooks, now=now)
        self.letters = LetterRepository(session, now=now)
        self.confirmations = ConfirmationRepository(session, book=book, audit=self.audit, now=now)
        due_dates = DueDates(session, book=book, confirmations=self.confirmations, now=now)
        self.triage_results = TriageResultRepository(session, due_dates=due_dates, alerts=self.alerts, now=now)
        self.originals = OriginalRepository(
            session, keys=self.keys, cipher=cipher, audit=self.audit, reveal_roles=reveal_roles, now=now
        )
        self.cases = CaseRepository(
            session,
            customer_secret=derive(secret, "customers"),
            originals=self.originals,
            results=self.triage_results,
            events=self.events,
            due_dates=due_dates,
            closings=Closings(session, due_dates=due_dates, events=self.events, audit=self.audit, now=now),
            alerts=self.alerts,
            now=now,
        )
        self.clocks = ClockRepository(
            session,
            due_dates=due_dates,
            confirmations=self.confirmations,
            events=self.events,
            audit=self.audit,
            now=now,
        )
        self.extensions = ExtensionRepository(
            session, due_dates=due_dates, events=self.events, audit=self.audit, now=now
        )
        self.reminders = ReminderRepository(session, due_dates=due_dates, events=self.events, now=now)
        self.case_list = CaseList(session, now=now)
        self.labels = LabelRepository(
            session,
            four_eyes=frozenset(book.current.alerts.flags),
            due_dates=due_dates,
            events=self.events,
            alerts=self.alerts,
            now=now,
        )
        self.label_export = LabelExport(session, key=derive(secret, "labels"))
        self.assignments = AssignmentRepository(session, events=self.events, now=now)
        self.rectifications = RectificationRepository(session, events=self.events, audit=self.audit, now=now)
        self.undoing = UndoRepository(
            session,
            cases=self.cases,
            labels=self.labels,
            assignments=self.assignments,
            extensions=self.extensions,
            rectifications=self.rectifications,
            events=self.events,
            now=now,
        )
        self.replies = ReplyRepository(session, events=self.events, now=now)
        self.supervision = SupervisionRepository(session, outbox=self.outbox, events=self.events, now=now)
        self.quality = QualityRepository(session, key=derive(secret, "quality"), labels=self.labels, now=now)
        self.readings = ReadingRepository(session)
        self.saved_views = SavedViewRepository(session, now=now)
        self.reports = ReportRepository(session, now=now)
        self.overview = OverviewRepository(session, now=now)
        self.warning_signals = WarningSignals(session)
        self.warnings = WarningRepository(session, audit=self.audit, outbox=self.outbox, now=now)
        self.imports = ImportRepository(session, keys=self.keys, cipher=cipher, now=now)
        self.now = now
        self.session = session
        """For the commands of this package (maintenance); routes use the repositories."""

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What fails inside is undone alone, and the transaction can go on. Raises as `Store.writing` does."""
        with as_store_errors(), self.session.begin_nested():
            yield


class Store:
    """A migrated database with its keys."""

    def __init__(
        self, engine: Engine, work_on: Callable[[Session], UnitOfWork], *, book: PolicyBook, timeout_seconds: float
    ) -> None:
        self.engine = engine
        self.book = book
        self._work_on = work_on
        self._timeout_seconds = timeout_seconds
        self._one_writer = threading.Lock() if engine.dialect.name == "sqlite" else None

    @contextmanager
    def writing(self) -> Iterator[UnitOfWork]:
        """Commits at the end of the block, rolls back on any error. Raises StoreUnavailableError, StoreError."""
        with (
            self._turn(),
            as_store_errors(),
            Session(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield self._work_on(session)

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        """One consistent look; the database refuses every write in it."""
        engine = self.engine.execution_options(**{READ_ONLY: True})
        with as_store_errors(), Session(engine, expire_on_commit=False) as session:
            yield self._work_on(session)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Threads that write to SQLite queue here: by itself it lets them sleep, and some miss every turn."""
        if self._one_writer is None:
            yield
            return
        if not self._one_writer.acquire(timeout=self._timeout_seconds):
            raise StoreUnavailableError(
                "the database is busy with other changes; nothing was stored; try again shortly",
                "数据库繁忙，本次未保存，请稍后重试",
            )
        try:
            yield
        finally:
            self._one_writer.release()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_store(
    url: str,
    masters: MasterKeys,
    *,
    cipher: str = AES,
    reveal_roles: frozenset[str] = REVEAL_ROLES,
    book: PolicyBook | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    now: Clock = utc_now,
) -> Store:
    """Open a migrated database; `book` holds the policies, by default the shipped ones.

    Raises StoreError `migration_needed`, KeyMaterialError, StoreUnavailableError, PolicyError for a policy version
    that is missing or was changed.
    """
    check_cipher(cipher)
    book = book or default_book()
    engine = open_engine(url, timeout_seconds=timeout_seconds)
    try:
        with as_store_errors(), Session(engine) as session, session.begin():
            check_revision(session.connection())
            secret = KeyRing(session, masters, cipher).secret()
            check_policies(session, book, now=now())
    except BaseException:
        engine.dispose()
        raise
    work_on = partial(
        UnitOfWork, masters=masters, cipher=cipher, secret=secret, reveal_roles=reveal_roles, book=book, now=now
    )
    return Store(engine, work_on, book=book, timeout_seconds=timeout_seconds)
