"""A sketch of a text's wording, to find near-identical ones later. In: redacted text. Out: 256 bytes, 16 bands.

MinHash: the share of equal places in two sketches estimates the Jaccard similarity of their character 3-grams. Texts
with similarity 0.7 share at least one band in 99 of 100 cases, with 0.5 in 64, with 0.2 in 3. datasketch, which the
corpus tools use for the same, would bring scipy into the serving install (data/dedup.py).
"""

import hashlib

import numpy as np
import numpy.typing as npt

from data.wording import LEAST_CHARACTERS, bare_characters, three_grams

PLACES = 64
BANDS = 16
_ROWS = PLACES // BANDS


def _constants(name: str) -> npt.NDArray[np.uint64]:
    digests = (hashlib.blake2b(f"{name} {i}".encode(), digest_size=8).digest() for i in range(PLACES))
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


# Fixed for ever: sketches of different years are compared.
_FACTORS = _constants("factor") | np.uint64(1)
_OFFSETS = _constants("offset")


def sketch(redacted_text: str) -> bytes | None:
    """64 minima of 4 bytes; None for a text too short to be compared."""
    characters = bare_characters(redacted_text)
    if len(characters) < LEAST_CHARACTERS:
        return None
    digests = [
        hashlib.blake2b(gram.encode("utf-8", "replace"), digest_size=8).digest() for gram in three_grams(characters)
    ]
    hashes = np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
    # Multiply-shift on 64 bits; what overflows is meant to.
    mixed = (hashes[:, None] * _FACTORS + _OFFSETS) >> np.uint64(32)
    return bytes(mixed.min(axis=0).astype("<u4"))


def bands(sketched: bytes) -> list[int]:
    """16 signed 64-bit numbers; equal wording gives equal ones."""
    width = _ROWS * 4
    return [
        int.from_bytes(
            hashlib.blake2b(bytes([i]) + sketched[i * width : (i + 1) * width], digest_size=8).digest(),
            "little",
            signed=True,
        )
        for i in range(BANDS)
    ]


def similarity(first: bytes, second: bytes) -> float:
    """Estimated Jaccard similarity of two texts' 3-grams, 0 to 1."""
    return float(np.mean(np.frombuffer(first, dtype="<u4") == np.frombuffer(second, dtype="<u4")))
