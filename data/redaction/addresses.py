"""Addresses below the level of a city. In: normalised text. Out: spans of kind `address`.

Which characters belong to an address is learned (`address_tagger`). City and province stay, everything below them is
masked; the address of a branch or an authority is public and stays.
"""

from collections.abc import Iterator

from data.redaction.address_tagger import default_tagger
from data.redaction.spans import PiiSpan


def find_addresses(text: str, folded: str) -> Iterator[PiiSpan]:
    """Spans of addresses, from district, county, town or road on."""
    return (PiiSpan(kind="address", start=start, end=end) for start, end in default_tagger().find(text))
