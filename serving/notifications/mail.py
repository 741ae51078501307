"""Letters by SMTP. In: letters that are due. Out: handed to the bank's mail server, recorded, tried again or given up.

One connection for a batch, a worker's thread, the standard library's smtplib. TLS is verified against the machine's
list of authorities; with `starttls` a server that does not offer it gets nothing, least of all the password.
"""

import smtplib
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

from data.store.letters import LEASE, LetterClaim
from data.store.unit_of_work import Store
from serving.notifications.letters import letter_text
from serving.settings import Settings
from serving.telemetry import Telemetry

TIMEOUT_SECONDS = 5.0
"""For each step of a conversation; a letter takes about four."""
BATCH = 10
BATCHES_IN_A_ROW = 20
REFUSED_FOR_GOOD = 500
"""RFC 5321: answers from here on will be the same next time."""
PORTS = {"starttls": 587, "tls": 465, "none": 25}
Outcome = Literal["sent", "failed", "dead", "postponed"]


class Mailer:
    """`get_store` may fail while the database is away; `is_stopping` is asked between batches."""

    def __init__(
        self,
        get_store: Callable[[], Store],
        settings: Settings,
        telemetry: Telemetry,
        *,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        assert settings.smtp_host is not None
        assert timedelta(seconds=BATCH * 4 * TIMEOUT_SECONDS) < LEASE
        self._get_store = get_store
        self._settings = settings
        self._attempts = telemetry.mail_attempts
        self._is_stopping = is_stopping

    def send_due(self) -> None:
        """Send what is due now, batch after batch, until there is no more or the server fails. Raises StoreError."""
        with self._get_store().reading() as work:
            is_due = work.letters.is_due()
        for _ in range(BATCHES_IN_A_ROW if is_due else 0):
            if self._is_stopping():
                return
            with self._get_store().writing() as work:
                claims = work.letters.claim(limit=BATCH)
            if not claims or not self._send(claims):
                return

    def _send(self, claims: Sequence[LetterClaim]) -> bool:
        """False where the server does not answer."""
        waiting = list(claims)
        connection: smtplib.SMTP | None = None
        try:
            connection = self._connect()
            while waiting:
                self._hand_over(connection, waiting[0])
                waiting.pop(0)
        except (OSError, smtplib.SMTPException) as error:
            with self._get_store().writing() as work:
                work.letters.postpone(waiting, _word(error))
            self._attempts.labels("postponed").inc(len(waiting))
            return False
        finally:
            if connection is not None:
                with suppress(OSError, smtplib.SMTPException):
                    connection.quit()
        return True

    def _hand_over(self, connection: smtplib.SMTP, claim: LetterClaim) -> None:
        """Send one letter and record it. Raises SMTPServerDisconnected, OSError: the server is gone."""
        try:
            connection.send_message(self._message(claim))
        except smtplib.SMTPRecipientsRefused as error:
            [(code, _)] = error.recipients.values()
            self._record(claim, str(code), is_final=code >= REFUSED_FOR_GOOD)
        except smtplib.SMTPResponseException as error:
            self._record(claim, str(error.smtp_code), is_final=error.smtp_code >= REFUSED_FOR_GOOD)
        except (KeyError, ValueError, MessageError):  # no text for this kind, an address that is none
            self._record(claim, "not_writable", is_final=True)
        else:
            self._record(claim, "250", is_sent=True)

    def _record(self, claim: LetterClaim, status: str, *, is_sent: bool = False, is_final: bool = False) -> None:
        is_dead = False
        with self._get_store().writing() as work:
            if is_sent:
                work.letters.sent(claim, status)
            else:
                retry_after = None if is_final else self._retry_after(claim)
                is_dead = work.letters.failed(claim, status, retry_after=retry_after)
        outcome: Outcome = "sent" if is_sent else "dead" if is_dead else "failed"
        self._attempts.labels(outcome).inc()

    def _retry_after(self, claim: LetterClaim) -> timedelta | None:
        pauses = self._settings.webhook_retry_seconds
        return timedelta(seconds=pauses[claim.attempts]) if claim.attempts < len(pauses) else None

    def _message(self, claim: LetterClaim) -> EmailMessage:
        settings = self._settings
        text = letter_text(claim.kind, claim.payload, console_url=settings.console_url)
        message = EmailMessage()
        message["Subject"] = text.subject
        message["From"] = settings.smtp_sender
        message["To"] = Address(display_name=claim.name, addr_spec=claim.email)
        message["Date"] = format_datetime(claim.created_at)
        # The same whenever it is sent, so that a mailbox may drop the second one.
        message["Message-ID"] = f"<{claim.message_id}.{claim.user_id}@{_domain(settings.smtp_sender or '')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text.body)
        return message

    def _connect(self) -> smtplib.SMTP:
        """A connection that may be used. Raises OSError, SMTPException."""
        settings = self._settings
        host, port = settings.smtp_host or "", settings.smtp_port or PORTS[settings.smtp_security]
        connection: smtplib.SMTP
        if settings.smtp_security == "tls":
            context = ssl.create_default_context()
            connection = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            connection = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        try:
            if settings.smtp_security == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if settings.smtp_login is not None:
                connection.login(settings.smtp_login, settings.read_smtp_password())
        except BaseException:
            connection.close()
            raise
        return connection


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2].strip("> ") or "localhost"


def _word(error: Exception) -> str:
    """What happened, without the server's words, which may repeat an address."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "login_refused"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "tls_not_offered"
    if isinstance(error, ssl.SSLError):
        return "tls_failed"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "connect_failed" if isinstance(error, OSError) else "protocol_failed"
