"""What the characters around a candidate say of it. In: windows of characters. Out: scores that add to a regression's.

A network of two layers over vectors of the characters, which begin as those of the pretrained encoder and are fitted
with it (`python -m training.fit_names`): a character that no sentence of the fit held is near those that mean the like.
Running it needs numpy alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.redaction.characters import is_han

NETWORK_PATH = Path(__file__).with_name("name_network.npz")
REACH = 6
"""Characters before and behind the candidate."""
WINDOW = 2 * REACH + 4
"""With two places for the surname and two for the given name."""
NOTHING = "\0"
"""Beyond the text, and the second place of a surname or a given name of one character."""
OTHER_HAN, OTHER = "\1", "\2"
SPECIAL = (NOTHING, OTHER_HAN, OTHER)
"""First rows of the vectors."""
TOGETHER = 4
"""Windows in one product: OpenBLAS wakes its threads for larger ones, which costs both cores more than it saves."""

Array = npt.NDArray[np.float32]


def window(text: str, start: int, middle: int, end: int) -> str:
    """The characters that the network sees of a candidate, `WINDOW` of them; digits are all 0."""
    before = text[max(0, start - REACH) : start].rjust(REACH, NOTHING)
    after = text[end : end + REACH].ljust(REACH, NOTHING)
    surname, given = text[start:middle].ljust(2, NOTHING), text[middle:end].ljust(2, NOTHING)
    seen = before + surname + given + after
    return "".join("0" if character.isdecimal() else character for character in seen)


@dataclass(frozen=True, kw_only=True)
class NameNetwork:
    """Shapes: vectors (characters, d), hidden (WINDOW * d, h), bias (h,), out (h,)."""

    characters: str
    """Of each row of the vectors; the first are `SPECIAL`."""
    vectors: Array
    hidden: Array
    bias: Array
    out: Array
    out_bias: float

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {character: row for row, character in enumerate(self.characters)}

    def rows(self, seen: str) -> list[int]:
        """The row of each character of a window."""
        known = self._rows
        return [
            known[character] if character in known else SPECIAL.index(OTHER_HAN if is_han(character) else OTHER)
            for character in seen
        ]

    def scores(self, windows: Sequence[str]) -> Array:
        """Log-odds that each is a name, shape (len(windows),)."""
        rows = [self.rows(each) for each in windows]
        parts = [self._scores(rows[first : first + TOGETHER]) for first in range(0, len(rows), TOGETHER)]
        return np.concatenate(parts)

    def _scores(self, rows: Sequence[Sequence[int]]) -> Array:
        seen = self.vectors[rows].reshape(len(rows), -1)
        scores: Array = np.maximum(seen @ self.hidden + self.bias, 0) @ self.out + self.out_bias
        return scores

    def save(self, path: Path) -> None:
        """One file: vectors and hidden weights as bytes with a scale a row, the rest as float32."""
        vectors, vector_scales = _to_bytes(self.vectors)
        hidden, hidden_scales = _to_bytes(self.hidden)
        np.savez_compressed(
            path,
            characters=np.array(self.characters),
            vectors=vectors,
            vector_scales=vector_scales,
            hidden=hidden,
            hidden_scales=hidden_scales,
            bias=self.bias,
            out=self.out,
            out_bias=np.float32(self.out_bias),
        )

    @classmethod
    def load(cls, path: Path) -> "NameNetwork":
        with np.load(path, allow_pickle=False) as content:
            return cls(
                characters=str(content["characters"]),
                vectors=content["vectors"] * content["vector_scales"],
                hidden=content["hidden"] * content["hidden_scales"],
                bias=content["bias"],
                out=content["out"],
                out_bias=float(content["out_bias"]),
            )


def _to_bytes(values: Array) -> tuple[npt.NDArray[np.int8], Array]:
    """Values as -127 to 127, and what a row is multiplied by to get them back."""
    scales = np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-8) / 127
    return np.round(values / scales).astype(np.int8), scales.astype(np.float32)
