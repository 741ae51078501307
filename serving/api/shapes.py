"""What several routes share. In: nothing. Out: base models, checked kinds of text, callers forgotten."""

from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from serving.access.authentication import Authenticator

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*[^\x00-\x20][^\x00-\x1f]*$")]

RowNumber = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""What a database can count to."""


class RequestShape(BaseModel):
    """A body that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


class RowShape(BaseModel):
    """Made from a row of the store."""

    model_config = ConfigDict(from_attributes=True)


def forget_callers(request: Request) -> None:
    """Ask the store again who everybody is: a change acts at once in this process, in others within ten seconds."""
    authenticator: Authenticator = request.app.state.authenticator
    authenticator.forget()
