"""What spreadsheets open holds no formula that a person wrote, whichever page it comes from."""

from serving.spreadsheets import FORMULA, csv_bytes


def test_words_that_begin_like_a_formula_are_words_and_numbers_stay_numbers() -> None:
    assert csv_bytes([("名称", "值")]).decode("utf-8-sig") == "名称,值\r\n"
    for sign in FORMULA:
        assert csv_bytes([(f"{sign}1+1", -1, None)], is_begin=False).decode().strip().strip('"').startswith(f"'{sign}")
    assert csv_bytes([("a=b", -1, None)], is_begin=False) == b"a=b,-1,\r\n"
