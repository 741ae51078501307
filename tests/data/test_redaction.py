"""Personal data is found in every spelling people use, and numbers that are no personal data stay."""

import pytest

from data.normalize import normalize_text
from data.preparation import prepare_text
from data.redaction.recognizers import find_pii
from data.taxonomy import Taxonomy

MOBILE, ID, CARD, LANDLINE = "13800138000", "11010119900307002X", "6222020200000000121", "0755-55512345"
CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")
SPOKEN = str.maketrans("0123456789", "零幺二三四五六七八九")
FULL_WIDTH = str.maketrans("0123456789X-", "０１２３４５６７８９Ｘ－")


def _spellings(number: str) -> list[str]:
    bare = number.replace("-", "")
    return [
        number,
        " ".join(bare),
        " ".join(bare[i : i + 4] for i in range(0, len(bare), 4)),
        "-".join(bare[i : i + 4] for i in range(0, len(bare), 4)),
        number.translate(FULL_WIDTH),
        bare.translate(CHINESE),
        bare.translate(SPOKEN),
    ]


@pytest.mark.parametrize(
    ("kind", "spelling"),
    [
        (kind, spelling)
        for kind, number in (("mobile", MOBILE), ("id_card", ID), ("bank_card", CARD), ("landline", LANDLINE))
        for spelling in _spellings(number)
    ],
)
def test_found_in_every_spelling(kind: str, spelling: str) -> None:
    text = f"请联系我{spelling}，谢谢"
    found = find_pii(normalize_text(text).text)
    assert [span.kind for span in found] == [kind]
    original = normalize_text(text)
    assert text[slice(*original.to_original(found[0].start, found[0].end))] == spelling


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("邮箱lanhai.3@mail.example.cn收不到", ["email"]),
        ("+86 138 0013 8000", ["mobile"]),
        ("手机13800138000身份证11010119900307002X", ["mobile", "id_card"]),
        ("卡号6222021234567890123尾号不对", ["bank_card"]),  # wrong check digit, but introduced as a card
        ("身份证号11010119900307002 1", ["id_card"]),  # likewise
        ("110101199003070021查征信有两笔逾期", ["id_card"]),  # mistyped and not introduced: nothing else is formed so
        ("请汇 7713 0188 0000 29643 逾期移交法务", ["account"]),
        ("0108-966-004417-3，钱退不回来", ["account"]),
        ("您记一下幺五九嗯两个七三二零后面是四五八", ["mobile"]),
        ("手机号前面一八六前三位，中间零零七七，最后四位二五三幺", ["mobile"]),
        ("卡号：六二三零，五八，三个零，七七，四幺八，两个三，九幺零二", ["account"]),
        ("手机l5O-2963-o417", ["mobile"]),
        ("身份证五幺零九零二 幺九七九 零八 二三 五五幺 最后一个是叉", ["id_card"]),
        ("证号51090219790823551，末位是大写的X", ["id_card"]),
        ("131 8 9 零八 9 1 7 3 二 是我电话", ["mobile"]),
        ("座机010-55512345转801", ["landline"]),
        ("电话0571 5551 2345", ["landline"]),
        ("212252174480934这个账户被冻结了", ["account"]),
        ("账号报错了，报成212252174480934", ["account"]),
        ("账户我念给你听，1009，2277，0346，18", ["account"]),
        ("款项划入212252174480934", ["account"]),
        ("IBAN DE89 3704 0044 0532 0130 00", ["account"]),
        ("副卡 4581 2304 0077 1529 被盗刷", ["bank_card"]),
        ("15位的老证号320524541013201", ["id_card"]),
        ("320524541013201是我老身份证", ["id_card"]),
        ("手机号少说了一位，1866201746", ["mobile"]),
        ("零幺零 五八七三 六六零九，转八零二", ["landline"]),
        ("五七三一二九九六，家里的座机", ["landline"]),
        ("验证码说了两次，先是551207", ["credential"]),
        ("密码六个零", ["credential"]),
        ("卡背后签名栏那三位428", ["credential"]),
        ("微信：t o m a t o 7 2 1", ["wechat"]),
        ("加了qd_chenxi05这个微信", ["wechat"]),
        ("港澳通行证CC8203714", ["permit"]),
        ("护照号 (E)60427189", ["passport"]),
        ("91110199MA7UGUBB89这家公司", ["company_code"]),
        ("车牌号 川 A · 9 X 3 3 7", ["plate"]),
    ],
)
def test_found_with_context(text: str, kinds: list[str]) -> None:
    assert [span.kind for span in find_pii(normalize_text(text).text)] == kinds


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("手机13800001234一直打不通", "手机〔手机号〕一直打不通"),
        ("身份证11010119900307002X两张", "身份证〔身份证〕两张"),
        ("卡号6222020200000000121一分钱没有", "卡号〔银行卡号〕一分钱没有"),
        ("010-62288888一天打十次", "〔固定电话〕一天打十次"),
        ("卡6222021000112230007 500元", "卡〔银行卡号〕 500元"),
        ("卡号 6222021000112230 20元", "卡号 〔银行卡号〕 20元"),
        ("（010）62288888", "〔固定电话〕"),
        ("+86-10-62288888", "〔固定电话〕"),
        ("(+86)13800138000", "〔手机号〕"),
        ("0086-13800138000", "〔手机号〕"),
        ("一三八○○○○一二三四", "〔手机号〕"),
        ("138‑0000‑1234", "〔手机号〕"),
        ("138−0000−1234", "〔手机号〕"),
        ("身份证11010119900307002X13800138000", "身份证〔身份证〕〔手机号〕"),
        ("一三八零零一三八零零零这张卡", "〔手机号〕这张卡"),
        ("幺三八，嗯，零零幺三，然后八零零零", "〔手机号〕"),
        ("卡号62220202OOOO0000121不对", "卡号〔银行卡号〕不对"),
        ("账号不是120460700125，是120460700152，记反了", "账号不是〔账号〕，是〔账号〕，记反了"),
        ("QQ是27740183和27740185", "QQ是〔QQ号〕和〔QQ号〕"),
        ("账号120460700125，订单号120460700152", "账号〔账号〕，订单号120460700152"),
        ("验证码551207，扣了120000元", "验证码〔密码验证码〕，扣了120000元"),
        ("家住杭州市西湖区文三路18号", "家住杭州市〔地址〕"),
    ],
)
def test_only_the_number_is_replaced(taxonomy: Taxonomy, text: str, redacted: str) -> None:
    assert prepare_text(text, taxonomy).redacted_text == redacted


@pytest.mark.parametrize(
    "text",
    [
        "2023.05.06-2024.05.06",
        "2024-03-15 2024-03-20两笔",
        "03.15 2000 03.16 3000",
        "信用卡 3000 4000 5000 6000 元",
        "1 3 5 7 9 11 13 15",
        "打95588、400-800-1234和12378都没人接",
        "2026年11月23日15:30扣了12,345.67元",
        "订单号20261123000012345678",
        "合同HT2023-000123456，利率3.65%，分36期",
        "流水号1234567890123456789012",
        "一二三四五，上山打老虎",
        "欠款一万三千八百元，三年五个月",
        "尾号1234的卡",
        "联行号308584000013写错了",
        "券码 8841-2093-7756，提示已被使用",
        "106550571209发来的短信",
        "保险单上的号是八六零零二零二三一一零四四七七",
        "95588 12378 12345都打过",
        "然后两千五，再后面又是五百，一共五千五",
        "6217003300007741就是流水号",
        "投诉号TS-2024-03-0062217",
        "汇入13800000000韩元",
        "业务凭证号6225881076136004",
        "背面小字写着押金299",
        "分别扣了1009，2270，1340，1800",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert find_pii(normalize_text(text).text) == []


@pytest.mark.parametrize(
    "piece",
    ["1", "1 ", "A", "A1", "1-", "2个1", "密码1", "地址文", "王·李", "Ab ", "路1号", "路", "13800138000 ", "12号楼,"],
)
def test_a_long_text_of_one_kind_is_read_without_fault(taxonomy: Taxonomy, piece: str) -> None:
    text = piece * (20_000 // len(piece))
    assert prepare_text(text, taxonomy).redacted_text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("阿不都热依木·吐尔逊的名字太长，转账退回", "阿不都热依木·吐尔逊"),
        ("萨仁高娃的卡里少了六百", "萨仁高娃"),
        ("拼音YU JIAQI印反了", "YU JIAQI"),
        ("信用卡·还款页面打不开", None),
        ("Union Pay和Apple Pay都不行", None),
        ("北京·上海来回的机票", None),
    ],
)
def test_names_of_other_peoples_and_pinyin_need_no_word_before_them(text: str, name: str | None) -> None:
    normalized = normalize_text(text).text
    spans = [span for span in find_pii(normalized) if span.kind == "name"]
    assert [normalized[span.start : span.end] for span in spans] == ([name] if name else [])


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "我的号码是 幺八二 零九零 不对 幺八二 零九五 四四二 三零 别打错了",
            ["幺八二 零九零 不对 幺八二 零九五 四四二 三零"],
        ),
        ("电话幺八零，三七二六，不对，三七六二，零四幺九，麻烦记下", ["幺八零,三七二六,不对,三七六二,零四幺九"]),
        (
            "卡号念给你，六二幺七，零零三三，八零零零，幺幺四，五五二，零，好了",
            ["六二幺七,零零三三,八零零零,幺幺四,五五二,零"],
        ),
        ("他的QQ号 幺三六 七七二 嗯 零八五 九 昵称叫好运", ["幺三六 七七二 嗯 零八五 九"]),
        ("旧的140-2210-0456-7713新的在这", ["140-2210-0456-7713"]),
        ("外籍账户NRA3301-0027-884-156退汇", ["NRA3301-0027-884-156"]),
        ("手机幺三八零零幺三八零零零 一直打不通", ["幺三八零零幺三八零零零"]),
        ("我手机幺三八零零幺三八零零零，两天没信号", ["幺三八零零幺三八零零零"]),
        ("卡6222 0200 0000 0000 121 2024年办的", ["6222 0200 0000 0000 121"]),
        ("账号811030-1012-8004-5678-9，请核实", ["811030-1012-8004-5678-9"]),
        ("账号120460嗯700125嗯331，请核实", ["120460嗯700125嗯331"]),
        ("身份证（330106）198704152318，请核实", ["(330106)198704152318"]),
        ("身份证51092219791108041×，请核实", ["51092219791108041×"]),
        ("身份证51092219791108041是个叉，请核实", ["51092219791108041是个叉"]),
        ("身份证五一零九二二、一九七九、一一零八、零四一X，请核实", ["五一零九二二、一九七九、一一零八、零四一X"]),
        ("存单编号33050161753500，请查", ["33050161753500"]),
        ("社保卡号0197740385", ["0197740385"]),
    ],
)
def test_a_number_is_found_to_its_end(text: str, values: list[str]) -> None:
    normalized = normalize_text(text).text
    assert [normalized[span.start : span.end] for span in find_pii(normalized)] == values


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("驾驶证档案号450100718236押在网点", "permit", "450100718236"),
        ("军官证南字第0284716号能不能用", "permit", "南字第0284716号"),
        ("证件：居留证CHN284710593，卡被锁", "permit", "CHN284710593"),
        ("台湾居民居住证 8300 0019 8211 0900 44 不认", "id_card", "8300 0019 8211 0900 44"),
        ("激活码903417发来三遍", "credential", "903417"),
        ("背面三位 417 我都填了", "credential", "417"),
        ("卡片有效期 08 29 也被问走", "credential", "08 29"),
        ("邮箱是 suyan8032 at 126 点 com 对账单发这里", "email", "suyan8032 at 126 点 com"),
        ("贷款号DK20210307173结清了", "account", "DK20210307173"),
    ],
)
def test_codes_and_secrets_in_further_forms(text: str, kind: str, value: str) -> None:
    normalized = normalize_text(text).text
    assert [(span.kind, normalized[span.start : span.end]) for span in find_pii(normalized)] == [(kind, value)]
