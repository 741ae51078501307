"""The words around sums of money. In: nothing. Out: patterns for `models.amounts`, on model text.

Word lists are patterns separated by blanks, so that a lookahead can stand in them.
"""

import re


def _any(words: str) -> str:
    """A group of alternatives from a list separated by blanks and line ends."""
    return f"(?:{'|'.join(words.split())})"


CURRENCIES = {
    "CNY": ("人民币", "RMB", "CNY", "¥", "块钱", "块", "元", "圆", "大洋"),
    "HKD": ("港币", "港元", "港纸", "HK$", "HKD", "蚊"),
    "USD": ("美元", "美金", "美刀", "USD", "US$", "$", "刀"),
    "EUR": ("欧元", "EUR", "€"),
    "JPY": ("日元", "日圆", "日币", "JPY", "円"),
    "GBP": ("英镑", "GBP", "£"),
    "TWD": ("新台币", "台币", "NT$", "TWD"),
    "AUD": ("澳元", "澳币", "AUD"),
    "CAD": ("加元", "加币", "CAD"),
    "SGD": ("新加坡元", "新币", "SGD"),
    "KRW": ("韩元", "韩币", "KRW"),
    "THB": ("泰铢", "THB"),
    "MOP": ("澳门元", "葡币", "MOP"),
    "CHF": ("瑞士法郎", "瑞郎", "CHF"),
    "MYR": ("令吉", "马币", "MYR"),
    "RUB": ("卢布", "RUB"),
    "VND": ("越南盾", "VND"),
    "AED": ("迪拉姆", "AED"),
}
# Only to find the largest of several currencies; never shown.
ROUGH_YUAN = {
    "HKD": 0.9, "USD": 7, "EUR": 8, "JPY": 0.05, "GBP": 9, "TWD": 0.22, "AUD": 4.7, "CAD": 5.2, "SGD": 5.4,
    "KRW": 0.005, "THB": 0.2, "MOP": 0.9, "CHF": 8, "MYR": 1.6, "RUB": 0.08, "AED": 2, "VND": 0.0003,
}  # fmt: skip
_NAMES = {name.upper(): code for code, names in CURRENCIES.items() for name in names}
_LONGEST_FIRST = sorted(_NAMES, key=len, reverse=True)
_UNITS = "|".join(map(re.escape, _LONGEST_FIRST))
_ONLY_BEHIND = {"块", "块钱", "元", "圆", "蚊", "刀", "大洋"}
_SAID = "|".join(re.escape(name) for name in _LONGEST_FIRST if name not in _ONLY_BEHIND)
PREFIX = re.compile(rf"(?:{_SAID})(?:各|约|大概|共|是|为|[:]| )?$", re.IGNORECASE)

_D = "[0-9一二两三四五六七八九]"
_NOT_COINS = r"(?![0-9.]|[个张笔次天年月日号点期人位户家条件成十百千万块元])"
_NO_CURRENCY = _any("旦 宵 素 件 音 宇宙 儿 牌 表 砖 玻 屏 布 肉 板 糖 石 匾 地 黑 招 切 片 具 两断 “")
# 块四, 块五毛二, 元五角, 块半
_COINS = rf"(?P<more>(?:(?<=块){_D}|{_D}(?=[毛角]))(?:[毛角](?:{_D}分?)?)?{_NOT_COINS}|半)?"
_FIRST = rf"(?P<first>{_UNITS})(?!{_NO_CURRENCY})(?P<vague2>多|左右|上下)?{_COINS}(?:的?(?P<second>{_SAID}))?"
_SMALL = rf"(?P<small>毛(?P<cents>{_D}(?:分|{_NOT_COINS}(?!毛)))?钱?|角钱?|分钱)(?!落|度|色)"
SUFFIX = re.compile(rf" ?(?P<vague>[多余来])?(?:{_FIRST}|{_SMALL})", re.IGNORECASE)

# What a number may count instead of money; also rates, times and letters of an order number.
COUNTED = re.compile(
    " ?"
    + _any(
        r"""[%‰/:_A-Za-z0-9] -[0-9] \.[0-9] 个 人 名 户 次 天 年 月 日 号 点
        分(?!期|[0-9一二三四五六七八九十]+期) 秒 小时 钟 岁 斤 公 克 吨 亩 里
        米 步 字 张 条 笔 件 家 页 遍 回(?!来|到|款) 趟 期 位 倍 度 平 套 台 辆 头 只 股 份 积分 粉 层 楼 排 栋 瓶 箱 厘
        折 成(?!了) 周 星 代 批 类 级 种 样 下 边 方 维 要素 道 轮 季 口 声 把 路 弄 室 座 班 车 本 盒 包 袋 枚 匹 世 行
        盎司 词 票 分之 后(?!来) 前面 场 枝 盘 卷 来[个人]"""
    )
)
# What makes a number a name of something.
NUMBERED = re.compile(
    _any(
        r"""尾号 卡号 账号 单号 工号 编号 号码 保单 流水号? 订单号? 验证码 密码 电话 QQ 微信 户号 证件?号? 凭证号 端口
        型号 代码 手机 邮编 第 星期 礼拜 周 年化 利率 基准 汇率 收益率 牌价 版本 百分之 千分之 〔[^〕]*
        [A-Za-z0-9/#@_.\-] [0-9]:"""
    )
    + "[是为:： ]{0,2}$"
)
# A word of paying and what may stand between it and its bare number.
PAYING = re.compile(
    _any(
        """扣 刷 转 取 提 少 亏 赔 骗 欠 还 花 付 交 缴 收 退 存 贷 借 充 投 损失 余额 合计 共计 一共 总共 共 本金 金额
        额度 利息 费 违约金 罚息 月供 工资 赚 差 值 汇 领 补 买 剩 过 走 卖 掏 垫 碌 罚 价"""
    )
    + _any(
        r"""了 走 掉 脱 出 进 去 我 你 他 她 咗 的 是 为 有 还 款 只 就 要 给 满 到 近 约 大概 差不多 将近 足足 整整 整
        才 [:\s] 多 过 共 金 额 成 下 费 着 每次 一笔 钱 里 剩 入 合计 共计 回来 第?[一两二三四五]笔 账 帐"""
    )
    + "{0,4}$"
)
JOINED = re.compile(r"\s?(?:、|和|跟|加|及|以及|,)\s?")
RANGE = re.compile(r"(?:元|块)?\s?(?:-|~|—|–|到|至)\s?")
# The lower end of 3-5万: its hyphen makes the upper end no number of an order.
RANGE_HEAD = re.compile(r"(?<![A-Za-z0-9/#@_.\-])[0-9]{1,3}(?:\.[0-9]{1,2})?[百千万]?-$")
IDIOM = re.compile(r"(?:也|都|没|未|不|还没)")
TOGETHER = re.compile(rf"一块(?!钱|多|{_D}|[,。!?; ]|$)")
SERVICE_NUMBER = re.compile(r"1(?:10|20|2345|2378|2363|2315|2386|2388)|9[56][0-9]{3}")

# Words of a clause that say which sum is in dispute, which is only told, and which stands aside.
DISPUTED = re.compile(
    _any(
        """损失 被骗 骗走 骗了 骗去 骗我 被盗 盗刷 盗 转走 转出 刷走 被刷 人刷 刷了 被扣 多扣 乱扣 扣了 扣走 扣我 划走
        划出 少了 没了 不见 取走 提走 挪用 亏 卷走 要求退 退还 退回 退我 还我 赔 返还 追回 没到 未到 不兑付 多收 多还
        吞 短少 差额 拿不回 取不出 提不出"""
    )
)
MENTIONED = re.compile(_any("扣 欠 利息 违约金 手续费 罚息 年费 收 转 贷 存 本金 还款 交 付 投 买 保费 借 金额 费"))
ASIDE = re.compile(
    _any(
        """额度 余额 工资 月薪 面额 每月 每天 每笔 门槛 收入 限额 房价 总价 只剩 首付 月供 奖 补贴 送 返现 满 起 以上
        不到"""
    )
)
TOTAL = re.compile(_any("共 合计 总计 累计 总额 全部 加起来"))


def currency_code(name: str) -> str:
    """The ISO 4217 code of a currency's name, also with a word behind it (人民币约)."""
    upper = name.upper()
    return next((_NAMES[known] for known in _LONGEST_FIRST if upper.startswith(known)), "CNY")
