"""What holds no Chinese to judge goes to a person; short, mixed and dialect complaints do not."""

import pytest

from data.preparation import prepare_text
from data.schema import LabelledText
from data.splits import read_splits
from data.taxonomy import Taxonomy
from models.bundle import Bundle, current_bundle_folder, load_bundle
from models.scope import UNKNOWN_ID, is_out_of_scope
from models.tokenization import TextTokenizer


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(current_bundle_folder())


@pytest.fixture(scope="module")
def tokenizer(bundle: Bundle) -> TextTokenizer:
    return TextTokenizer(bundle.tokenizer_file, 512)


def _is_out(text: str, tokenizer: TextTokenizer, taxonomy: Taxonomy) -> bool:
    model_text = prepare_text(text, taxonomy).model_text
    return is_out_of_scope(model_text, tokenizer.tokenize(model_text))


@pytest.mark.parametrize(
    "text",
    [
        "。", "？？？", "😀😀", "1", "2026-11-29 10:00:00", "https://example.com/a?b=1", "asdfghjkl", "啊啊啊啊啊啊",
        "16012345678", "SELECT * FROM users;", '{"id": 1}', "My card was swallowed by the machine.", "收",
        "荷物がまだ届いていません。", "配達員の態度が悪すぎる", "택배가 아직 안 왔어요",
        "Спасибо большое", "شكرا جزيلا", "Cảm ơn bạn rất nhiều",
        "hello 你好 can you tell me where is the bus", "锟斤拷锟斤拷烫烫烫",
    ],
)  # fmt: skip
def test_unreadable(text: str, tokenizer: TextTokenizer, taxonomy: Taxonomy) -> None:
    assert _is_out(text, tokenizer, taxonomy)


@pytest.mark.parametrize(
    "text",
    [
        "盗刷", "退钱！！！", "APP闪退", "ETC扣了两遍", "我的卡6299970729142898594被吞了", "櫃枱態度差",
        "手机银行APP login error code 500，怎么回事", "你哋個app成日彈出嚟", "扣我年费😡😡", "U盾坏了",
        "我想transfer学费到UK一直失败，客服不理", "外卖还没到",
    ],
)  # fmt: skip
def test_readable(text: str, tokenizer: TextTokenizer, taxonomy: Taxonomy) -> None:
    assert not _is_out(text, tokenizer, taxonomy)


def test_unknown_characters(tokenizer: TextTokenizer, taxonomy: Taxonomy) -> None:
    assert tokenizer.tokenize("𰻝").ids.count(UNKNOWN_ID) == 1
    assert _is_out("𰻝𠔻卡丢了", tokenizer, taxonomy)
    assert not _is_out("𰻝先生的卡丢了", tokenizer, taxonomy)


def test_an_empty_text_is_out(tokenizer: TextTokenizer) -> None:
    assert is_out_of_scope("", tokenizer.tokenize(""))


def test_complaints_of_the_corpus_are_readable(
    tokenizer: TextTokenizer, taxonomy: Taxonomy, shipped_corpus: tuple[LabelledText, ...]
) -> None:
    splits = read_splits()
    texts = [t for t in shipped_corpus if splits.get(t.id) == "dev" and t.order_type == "complaint"]
    assert len(texts) > 500
    assert [text.id for text in texts if _is_out(text.text, tokenizer, taxonomy)] == []
