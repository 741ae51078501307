"""Sums of money as people write them, and what only looks like one."""

import pytest

from models.amounts import MOST_AMOUNTS, disputed_amount, find_amounts
from models.numerals import read_number

ONE = [
    # Arabic numbers with a currency
    ("多扣了1,234.56元", 1234.56, "CNY", "1,234.56元"),
    ("年费300元一分不少", 300, "CNY", "300元"),
    ("手续费0.5元", 0.5, "CNY", "0.5元"),
    ("转了3 5 0 0 元", 3500, "CNY", "3 5 0 0 元"),
    ("扣了12块5", 12.5, "CNY", "12块5"),
    ("收了500 元", 500, "CNY", "500 元"),
    ("价税合计¥88.00", 88, "CNY", "¥88.00"),
    ("存入人民币46,308.15元", 46308.15, "CNY", "人民币46,308.15元"),
    ("罚了RMB 260", 260, "CNY", "RMB 260"),
    ("一笔20000000元的承兑", 20_000_000, "CNY", "20000000元"),
    # 万, 千, k, w
    ("损失3.5万", 35_000, "CNY", "3.5万"),
    ("损失三点五万", 35_000, "CNY", "三点五万"),
    ("少了一点二五万块", 12_500, "CNY", "一点二五万块"),
    ("被骗十二点五万", 125_000, "CNY", "十二点五万"),
    ("下午三点五百块就没了", 500, "CNY", "五百块"),
    ("昨天下午三点两万块没了", 20_000, "CNY", "两万块"),
    ("上午九点五千块被转走", 5000, "CNY", "五千块"),
    ("凌晨一点五万块钱被转走", 50_000, "CNY", "五万块钱"),
    ("投了8.6万元", 86_000, "CNY", "8.6万元"),
    ("还剩13万8没给", 138_000, "CNY", "13万8"),
    ("贷了3万5千元", 35_000, "CNY", "3万5千元"),
    ("一共1万2千3百元", 12_300, "CNY", "1万2千3百元"),
    ("充了5k进去", 5000, "CNY", "5k"),
    ("转了3.4w", 34_000, "CNY", "3.4w"),
    ("授信1.5亿", 150_000_000, "CNY", "1.5亿"),
    ("刷了2万分12期", 20_000, "CNY", "2万"),
    ("放的款一万二分十二期", 12_000, "CNY", "一万二"),
    ("欠款20多万", 200_000, "CNY", "20多万"),
    ("存10万美元", 100_000, "USD", "10万美元"),
    # Chinese numerals
    ("被骗三万五", 35_000, "CNY", "三万五"),
    ("少了两千块", 2000, "CNY", "两千块"),
    ("收一百二十八元", 128, "CNY", "一百二十八元"),
    ("扣一百二", 120, "CNY", "一百二"),
    ("还了一千零五十元", 1050, "CNY", "一千零五十元"),
    ("剩三万零五百", 30_500, "CNY", "三万零五百"),
    ("本金贰仟伍佰元整", 2500, "CNY", "贰仟伍佰元"),
    ("拿走十九万六", 196_000, "CNY", "十九万六"),
    ("欠了一百万", 1_000_000, "CNY", "一百万"),
    ("卖地的二十八万没了", 280_000, "CNY", "二十八万"),
    ("一亿元的票", 100_000_000, "CNY", "一亿元"),
    ("扣了五八零零元", 5800, "CNY", "五八零零元"),
    ("廿三蚊手续费", 23, "HKD", "廿三蚊"),
    ("三万两千一百二十四元三角", 32_124.3, "CNY", "三万两千一百二十四元三角"),
    # 块, 毛, 分
    ("一天六块九", 6.9, "CNY", "六块九"),
    ("三块五毛二的利息", 3.52, "CNY", "三块五毛二"),
    ("每月两块半", 2.5, "CNY", "两块半"),
    ("扣三毛短信费", 0.3, "CNY", "三毛"),
    ("差八毛五", 0.85, "CNY", "八毛五"),
    ("利息才五分钱", 0.05, "CNY", "五分钱"),
    ("差八十六块四", 86.4, "CNY", "八十六块四"),
    ("收了二十五块钱", 25, "CNY", "二十五块钱"),
    ("办卡收一块钱", 1, "CNY", "一块钱"),
    # approximate
    ("亏了十几万", 150_000, "CNY", "十几万"),
    ("五万多块钱没了", 50_000, "CNY", "五万多块钱"),
    ("大概一万元左右", 10_000, "CNY", "一万元左右"),
    ("扣了三十来块", 30, "CNY", "三十来块"),
    ("好几万打水漂", 50_000, "CNY", "好几万"),
    ("上百万的货款", 1_000_000, "CNY", "上百万"),
    ("千把块的事", 1000, "CNY", "千把块"),
    ("两百多块", 200, "CNY", "两百多块"),
    # other currencies
    ("扣了HK$500", 500, "HKD", "HK$500"),
    ("被刷港币六千八", 6800, "HKD", "港币六千八"),
    ("五千元港币", 5000, "HKD", "五千元港币"),
    ("汇出美元3000", 3000, "USD", "美元3000"),
    ("刷走$329", 329, "USD", "$329"),
    ("USD 1,980", 1980, "USD", "USD 1,980"),
    ("赚七十刀", 70, "USD", "七十刀"),
    ("买了2000欧元", 2000, "EUR", "2000欧元"),
    ("换了十万日元", 100_000, "JPY", "十万日元"),
    ("学费9500英镑", 9500, "GBP", "9500英镑"),
    ("新台币八千", 8000, "TWD", "新台币八千"),
    # bare numbers behind a word of paying
    ("卡里被快捷支付扣了199", 199, "CNY", "199"),
    ("昨天转账5000没到", 5000, "CNY", "5000"),
    ("被一个商户刷走2380", 2380, "CNY", "2380"),
    ("损失金额: 18,800.5", 18_800.5, "CNY", "18,800.5"),
    ("违约金收了我96.10", 96.1, "CNY", "96.10"),
    ("提成八十", 80, "CNY", "八十"),
    ("扣3000来电说明", 3000, "CNY", "3000"),
]  # fmt: skip
NONE = [
    "2021年10月12日去的", "二〇一五年四月", "上午9:30到的", "十一点四十才轮到", "3/16打不开",
    "三个人两张卡", "五十三个人等着", "排了一百多号", "八万积分清零", "三十克金条", "十一万粉丝", "等了45分钟", "第3期",
    "年化3.5%", "利率4.1", "利息三厘五", "百分之三的费", "按1.0312平仓", "打了八折", "降了五个点",
    "尾号1234", "工单号20230318", "验证码334455", "卡号6222020011112222333", "电话95588", "打过12378了",
    "密码是112233", "邮编200030", "A012号", "EJ29670364", "尾号3-5万", "单A-5万", "2023-11-5万",
    "一块儿去报案", "我们一块去的", "两块牌子", "一块砖", "一刀切", "一分钱没少", "二维码", "二类户", "四要素",
    "千万别信", "万一被骗", "百元钞", "元旦那天", "〔手机号〕", "三十五岁", "4楼", "0次",
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "currency", "words"), ONE)
def test_one_sum(text: str, value: float, currency: str, words: str) -> None:
    [money] = find_amounts(text)
    assert (money.value, money.currency, text[money.start : money.end]) == (pytest.approx(value), currency, words)


@pytest.mark.parametrize("text", NONE)
def test_no_sum(text: str) -> None:
    assert find_amounts(text) == []


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("要2000-3000元", 2000, 3000),
        ("大概3到5万", 30_000, 50_000),
        ("亏三五万", 30_000, 50_000),
        ("五六千块", 5000, 6000),
        ("月薪六千到八千", 6000, 8000),
        ("二三十万", 200_000, 300_000),
        ("损失3-5万", 30_000, 50_000),
        ("大概1.5-2万", 15_000, 20_000),
        ("1万-2万不等", 10_000, 20_000),
    ],
)
def test_ranges(text: str, low: float, high: float) -> None:
    [money] = find_amounts(text)
    assert (money.value, money.high, money.is_approximate) == (low, high, True)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("无端多了三笔,9,860、9,860、4,120元", [9860, 9860, 4120]),
        ("刷了两笔,1,299和860元", [1299, 860]),
        ("消费4,999元、2,000元,一共6,999,全是商城", [4999, 2000, 6999]),
        ("一回一千二一回八百块", [1200, 800]),
        ("存八千块变两万六", [8000, 26_000]),
    ],
)
def test_several_sums_in_order(text: str, values: list[float]) -> None:
    assert [money.value for money in find_amounts(text)] == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("我月薪六千,卡里被人刷走8600元,余额还剩20000元", 8600),
        ("信用额度五万,年费300元,要求退还", 300),
        ("扣了两笔,每笔98元,共196元", 196),
        ("存了二十万,最后只拿回五万,损失十五万", 150_000),
        ("贷款三十万,多收利息1,200元", 1200),
        ("刷了五百,又刷了三千", 3000),
        ("被盗刷100美元,手续费500元", 100),
    ],
)
def test_the_sum_in_dispute(text: str, value: float) -> None:
    money = disputed_amount(text, find_amounts(text))
    assert money is not None
    assert money.value == value


@pytest.mark.parametrize(
    ("text", "value"), [("亏了0.07万", 700.0), ("亏了4.56万", 45_600.0), ("0.14万到0.28万", 1400.0)]
)
def test_a_value_has_no_noise_of_floats(text: str, value: float) -> None:
    """Answers print values as they are: 0.07 * 10,000 is 700.0000000000001."""
    [money] = find_amounts(text)
    assert money.value == value
    assert money.high in (None, 2800.0)


def test_nothing_is_in_dispute_without_money() -> None:
    assert disputed_amount("没人接电话", find_amounts("没人接电话")) is None


def test_a_statement_of_account_is_cut() -> None:
    assert len(find_amounts("扣了25元。" * 100)) == MOST_AMOUNTS


@pytest.mark.parametrize("numeral", ["万万", "一点", "十十十十一二三"])
def test_odd_numerals_do_not_fail(numeral: str) -> None:
    read_number(numeral)
