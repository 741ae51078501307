"""Digits as people write them. In: normalised text. Out: the same text, as long, with other digits turned into 0-9.

一二三, 〇, 幺, 两, 壹贰叁 and the digits of spoken telephone numbers (洞, 拐, 勾, 杠) are folded one for one, so that
offsets stay. A folded text is only for finding numbers: 一直 becomes 1直 in it.
"""

import re

_FOLDED = str.maketrans("零〇○一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖洞拐勾杠", "00012345678912123456789079-")

GAPS = ' \n-‐–—−.·_~,、/*"“”'
WIDEST_GAP = 3
# What people say between the groups of a number, with a pause behind it. In folded text 一 is 1.
FILLERS = (
    r"(?:[嗯呃啊哦额诶噢唉呀]|[那这]个|然后是?|(?:再|最)?后[面头]?(?:再?是|再)?|再(?:来?[1一]?个|是)?|接着|跟着|中间是?|前面是?|的?区号|空格)"
    r"[,、 :]?"
)
# Letters written for 0 and 1: between digits, at the end of many, and anywhere in a run that is mostly digits.
LETTER_NOUGHT = re.compile(r"(?<=[0-9])[Oo]{1,4}(?=[0-9Xx])|(?<=[0-9]{6})[Oo]{1,4}(?![A-Za-z])")
LOOKALIKES = re.compile(r"(?<![A-Za-z])[0-9OoIl](?:[ -]?[0-9OoIlxX]){6,}(?![A-Za-z])")
TWICE = re.compile(r"(?<=[0-9 ])俩([0-9])")  # 七八俩零 is 7800
_AS_DIGITS = str.maketrans("OoIl", "0011")

# What a number that is no personal data is called: orders, serial numbers, contracts; straight before it, perhaps with
# letters and a first group of digits between.
_BARE = (
    "审批单|积分|订单|流水|工单|合同|保单|运单|兑换单|投诉单|回执|(?<!存)单号|(?<!存单)编号|券[号码]|联行号|配号|行号"
    "|文号|批号"
)
_NUMBERED = (
    "受理|业务|交易|凭证|参考|协议|快递|物流|单据|发票|批次|序列|设备|商户|终端|投诉|案|登记|申请|借据|取件|提货"
    "|机身|机具|产品|基金|机构|柜员|网点|支票|转办|错误|凭单|端口|"
    "活动|股票|预约|排队|兑换|货|箱|柜|房|车架|发动机|条形|条|项目|许可证|备案"
)
PUBLIC_NUMBER = re.compile(
    rf"(?:(?:{_BARE})(?:号码?|编号|编码|代码|码)?|(?:{_NUMBERED})(?:单号|编号|号码?|编码|代码|码))"
    r"(?:[A-Za-z]{0,6}-?|[ :#是为(【\[]|第|[0-9]{1,8}[ -]|我?[念报说]给你(?:听|了)?[啊哈吧]?[ ,、]?)*$"
)
PUBLIC_BEHIND = re.compile(
    rf"[ ]?[这那]?[个就串]?是[^0-9,。;]{{0,3}}(?:[^0-9,。;我他她]{{0,8}}的)?"
    rf"(?:(?:{_BARE})|(?:{_NUMBERED})(?:单?号|编号|编码|码))"
)

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
IP_ADDRESS = re.compile(rf"(?:{_BYTE}\.){{3}}{_BYTE}")


def fold_digits(text: str) -> str:
    """The text with every digit as 0-9; same length."""
    folded = text.translate(_FOLDED)
    if "俩" in folded:
        folded = TWICE.sub(r"\1\1", folded)
    if any(letter in folded for letter in "OoIl"):
        folded = LETTER_NOUGHT.sub(lambda match: "0" * len(match.group()), folded)
        return LOOKALIKES.sub(_as_digits, folded)
    return folded


def _as_digits(match: re.Match[str]) -> str:
    run = match.group()
    is_number = sum(map(str.isdecimal, run)) >= 2 * sum(map(str.isalpha, run)) and any(map(str.isdecimal, run))
    return run.translate(_AS_DIGITS) if is_number else run
