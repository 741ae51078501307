"""The bare wording of a text, for finding near-identical ones. In: a text. Out: its characters, its 3-grams."""

import re

LEAST_CHARACTERS = 4  # a greeting or a row of emoji is close to every other


def bare_characters(text: str) -> str:
    """A text without digits, spaces and punctuation."""
    return re.sub(r"[\W\d_]+", "", text)


def three_grams(characters: str) -> set[str]:
    """All runs of three characters; a shorter text is its own only gram."""
    return {characters[i : i + 3] for i in range(max(1, len(characters) - 2))}
