"""A form of the case page that was refused. In: what was typed, the error. Out: the same form again, with its fields.

Raised, because the page is made of the parts of its forms, which therefore cannot import the page.
"""

from dataclasses import dataclass, field

from starlette.requests import Request

from data.errors import XiaobaoError
from serving.console.forms import Form
from serving.errors import STATUS_OF_CODE, ServiceError

MENDED_AT_THE_FORM = frozenset({409, 412, 422})


@dataclass(frozen=True, kw_only=True)
class Entered:
    """Which form it is, what stood in it, why nothing was stored; empty on a page that nobody sent."""

    what: str = ""
    """The form's address behind the case's; of a form of one extension also the extension's number."""
    form: Form = field(default_factory=lambda: Form({}), repr=False)
    message: str = ""
    wrong: frozenset[str] = frozenset()
    """Names of the fields that the message is about, as far as known."""

    def value(self, what: str, name: str, otherwise: object = "") -> str:
        """What was typed into a field, else what the page proposes."""
        return self.form.one(name) if self.what == what and name in self.form.fields else str(otherwise)

    def is_wrong(self, what: str, name: str) -> bool:
        return self.what == what and name in self.wrong


class FormNotStoredError(Exception):
    """Nothing of a form was stored and its sender can mend it."""

    def __init__(self, case_id: str, form: Form, error: XiaobaoError) -> None:
        super().__init__(error.code)
        self.case_id = case_id
        self.form = form
        self.error = error

    @property
    def status(self) -> int:
        return STATUS_OF_CODE[self.error.code]

    def entered(self, request: Request, *, message: str) -> Entered:
        parts = [request.url.path.rpartition(f"/{self.case_id}/")[2], self.form.one("extension")]
        details = self.error.details if isinstance(self.error, ServiceError) else ()
        return Entered(
            what="/".join(part for part in parts if part),
            form=self.form,
            message=message,
            wrong=frozenset(detail.field for detail in details),
        )


def can_be_mended(error: XiaobaoError) -> bool:
    """Whether the sender can do something about it at the form."""
    return STATUS_OF_CODE.get(error.code) in MENDED_AT_THE_FORM
