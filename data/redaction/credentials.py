"""Passwords, verification codes, card security codes and expiry dates. In: normalised and folded text. Out: spans.

These are the secrets themselves, not the words that introduce them. They are dropped for good: never stored, not even
encrypted (JR/T 0171-2020 grade C3).
"""

import re
from collections.abc import Iterator

from data.redaction.spans import PiiSpan

# A code that is sent or given to the customer alone.
_CODE = "(?:验证码|校验码|动态码|识别码|短信码|激活码|授权码|查询码|提取码)"
HINT = re.compile(
    r"[Ee][Xx][Pp]|[Vv][Aa][Ll][Ii][Dd]|验证|到期|卡背|背面|签名栏|密码|口令|验证码|校验码|动态码|识别码|安全码|短信码|激活码|授权码|查询码|提取码|[Cc][VvCc][VvNnCc]|有效期|后面那?三位|后三位|后3位|三位数"
    r"|3位数|[三3]个数|背后|security|PIN|pin|暗号|密钥"
)
# Between the word and its value: no sentence ends, no other number's name begins.
_LINK = r"[^0-9A-Za-z,。;!?尾号元第错误]{0,6}?"
# Numbers of things, times and services, which are no secrets.
_NOT_COUNTED = r"(?![0-9A-Za-z年月日天次个位元块万条分秒小点遍%.]|/[0-9])"
_SERVICE = r"(?!95[0-9]{3}(?![0-9])|1[02][0-9]{3}(?![0-9])|400|800)"
NUMERIC = re.compile(
    rf"(?:密码|口令|暗号|{_CODE})"
    + _LINK
    + _SERVICE
    + r"(?P<value>[0-9](?:[ -]?[0-9]){3,11}|[3-8]个[0-9])"
    + _NOT_COUNTED
)
# A code of six digits may stand farther off: 验证码给我报一下,我就报了602173
FAR_CODE = re.compile(
    rf"(?:密码|{_CODE})(?:[^0-9A-Za-z。;!?]|[0-9](?=[下次个遍回位哈])){{0,14}}?"
    + _SERVICE
    + r"(?P<value>[0-9]{3}(?:[ -]|[ ,]?[嗯呃啊哦] ?)?[0-9]{3}|[0-9](?: [0-9]){5})"
    + _NOT_COUNTED
)
RECEIVED_CODE = re.compile(r"(?:收到|发来|输入?|填|报)(?:[的了是]|过去){0,2}(?P<value>[0-9]{6})" + _NOT_COUNTED)
CODE_RECEIVED = re.compile(r"(?<![0-9A-Za-z.额存取元])(?P<value>[0-9]{6})[我他她]?就?[输填报](?:进|了|过)")
ASKED_CODE = re.compile(r"要验证[^0-9。;!?额元]{0,4}[报填输][了的](?P<value>[0-9]{6})" + _NOT_COUNTED)
ALPHANUMERIC = re.compile(
    r"(?:密码|口令|密钥)(?:就?是|为|设的?|(?:被人?)?改[成为]|写的?|:"
    r"| ){0,3}(?P<value>(?=[!-~]*[0-9])[A-Za-z0-9@#$%^&*!._-]{3,23}[A-Za-z0-9@#$%^&*!])(?![A-Za-z0-9])"
)
SECURITY_CODE = re.compile(
    r"(?:[Cc][VvCc][VvNnCc]2?|安全码|背面(?=[的那]?[后数安 :,是0-9])|后3位|卡?后面?的?那?3位"
    r"|[卡背]后[面头边]?的?那?3[个位]数?"
    r"|后[头边]的?3[个位]数|卡背|签名栏|3位数|[Ss]ecurity code)"
    r"(?:数字|号码?|那?3[位个]数?|码|填了|[^0-9A-Za-z。;!?年月日]){0,6}?(?P<value>[0-9](?:[ -]?[0-9]){2,3})"
    + _NOT_COUNTED
)
EXPIRY = re.compile(
    r"(?:有效期限?|到期日?|期限|[Ee][Xx][Pp](?: ?[Dd]ate)?|[Vv][Aa][Ll][Ii][Dd](?: ?(?:[Tt][Hh][Rr][Uu]|[Tt][Oo]))?)"
    r"[^0-9A-Za-z。;]{0,4}(?P<value>(?:0?[1-9]"
    r"|1[0-2]) ?[/\-\\] ?(?:20)?[2-4][0-9]|(?:0[1-9]|1[0-2]) [2-4][0-9]|(?:0[1-9]|1[0-2])[2-4][0-9]|(?:20)?[2-4][0-9]年"
    r"(?:0?[1-9]|1[0-2]|十[12]?)月|[2-4][0-9]/(?:0[1-9]|1[0-2]))(?![0-9日/-])"
)
CARD_NEAR = re.compile(r"卡|这张|后[三3]位|[Vv]isa|VISA|card|[Cc][VvCc][VvNnCc]|安全码")
# 123456是我的密码
VALUE_FIRST = re.compile(
    r"(?<![0-9A-Za-z])(?P<value>[0-9]{4,8})[\"”'】 ]?(?:就?是|这个|这串|做|当|作|为)+(?:我|他|她|您|你|你们|系统|卡"
    r"|银行|登录|交易|取款|支付|的|初始|短信)*(?:密码|验证码|动态码|口令)"
)


def find_credentials(text: str, folded: str) -> Iterator[PiiSpan]:
    """Spans of secrets that authenticate a customer."""
    if not HINT.search(text):
        return
    yield from (_span(match) for match in ALPHANUMERIC.finditer(text))
    for pattern in (SECURITY_CODE, NUMERIC, FAR_CODE, VALUE_FIRST):
        yield from (_span(match) for match in pattern.finditer(folded))
    yield from (_span(match) for match in ASKED_CODE.finditer(folded))
    if "验证码" in text or "动态码" in text:
        for pattern in (RECEIVED_CODE, CODE_RECEIVED):
            yield from (_span(match) for match in pattern.finditer(folded))
    for match in EXPIRY.finditer(folded):
        if CARD_NEAR.search(text[max(0, match.start() - 30) : match.end() + 12]):
            yield _span(match)


def _span(match: re.Match[str]) -> PiiSpan:
    return PiiSpan(kind="credential", start=match.start("value"), end=match.end("value"))
