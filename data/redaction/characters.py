"""Classes of characters. In: one character. Out: whether it is of a class."""


def is_han(character: str) -> bool:
    """One of the 汉字 in common use."""
    return "\u4e00" <= character <= "\u9fff"
