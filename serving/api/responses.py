"""The errors of routes as the API's document shows them. In: HTTP statuses. Out: FastAPI's `responses`."""

from typing import Any

from serving.errors import ErrorBody

MEANINGS = {
    400: "The body is not UTF-8 or not JSON.",
    401: "No valid token.",
    403: "Not allowed for this role or key.",
    404: "Not there, or of another part of the organisation.",
    409: "It does not fit the present state; see the code.",
    410: "It was erased for good.",
    412: "The case changed since it was read.",
    413: "The body is too large.",
    415: "This kind of body is not read.",
    422: "The request or the text does not fit.",
    428: "The version that was seen is missing.",
    429: "Too many texts are waiting, or too many of this key; see Retry-After.",
    500: "Something unexpected happened.",
    503: "Not ready, or the case store does not answer; see Retry-After.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer instead of 2xx."""
    return {status: {"model": ErrorBody, "description": MEANINGS[status]} for status in statuses}
