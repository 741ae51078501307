"""E-mail, chat names, passports, permits, plates and company codes. In: normalised and folded text. Out: spans."""

import re
from collections.abc import Iterator

from stdnum.cn import uscc

from data.redaction.spans import PiiSpan

_MAIL_NAME = r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}"
_SPELLED_NAME = r"(?<![A-Za-z0-9])[A-Za-z](?: [A-Za-z0-9]){3,20}"  # s u n n y 0 7
EMAIL = re.compile(rf"{_MAIL_NAME}@(?:[A-Za-z0-9-]{{1,63}}\.)+[A-Za-z]{{2,24}}")
# 艾特, (at), 点, spaces: people write addresses so that machines do not see them.
HIDDEN_EMAIL = re.compile(
    rf"(?:{_MAIL_NAME}(?: [A-Za-z0-9]{{1,12}})?|{_SPELLED_NAME}) ?(?:@|\(at\)|\[at\]|艾特|圈a|小老鼠|#)"
    r" ?[A-Za-z0-9-]{1,30}(?: ?(?:\.|点|\(dot\)|\[dot\]) ?[A-Za-z]{2,10}){1,3}",
    re.IGNORECASE,
)
# suyan8032 at 126 点 com
SAID_EMAIL = re.compile(
    rf"{_MAIL_NAME} at (?:[A-Za-z0-9-]{{1,30}} ?)(?:(?:\.|点|dot) ?[A-Za-z]{{2,10}} ?){{1,3}}(?<! )", re.IGNORECASE
)
MAIL_HINT = re.compile(r"@|[(\[]at[)\]]|艾特|圈a|小老鼠|邮箱.*#", re.IGNORECASE)
_NO_CODE_BEFORE = r"(?<![A-Za-z0-9])"
_NO_CODE_AFTER = r"(?![A-Za-z0-9])"
_SPLIT = r"[ .\n-]?"  # people split codes
# What stands between a word and its value.
_LINK = r"(?:号码?|账号|ID|id|[名是为加搜找我的他她念报叫写说给你小大这]|[::,\"'“” (\[])"
WECHAT_WORD = (
    r"(?:微信|威信|薇信|徽信|薇芯|微心|卫星|绿泡泡|[vVwW]信|[vVwW][xX]|[vVwW]❤|威❤|微❤.?信?|[+加]?[vV](?=[ ::])"
    r"|(?<=我)[vV]|WeChat|wechat|Wechat)"
)
WECHAT = re.compile(
    rf"{WECHAT_WORD}{_LINK}{{0,6}}(?P<value>[A-Za-z](?:[-_A-Za-z0-9]{{5,19}}"
    rf"|[A-Za-z]?(?: [0-9]{{2,8}}){{1,3}}(?: [A-Za-z])?"
    r"|(?: [A-Za-z0-9]){4,19}|(?: [A-Za-z]){1,9}-[0-9]{2,8}"  # t o m a t o 7 2 1
    rf"|[-_A-Za-z0-9]{{0,12}}(?:下划线|减号|横线|点|\.)[-_A-Za-z0-9]{{2,16}})){_NO_CODE_AFTER}"
)
WECHAT_BEHIND = re.compile(
    rf"{_NO_CODE_BEFORE}(?P<value>(?=[-_A-Za-z]*[0-9_])[A-Za-z][-_A-Za-z0-9]{{5,19}})"
    r" ?(?:这个|那个|是我的?|是他的?|的)?(?:微信|威信|薇信|[vV]信)"
)
# Letters, then digits or an underscore: a chat name also where the word for it is farther off.
WECHAT_AFAR = re.compile(
    rf"{_NO_CODE_BEFORE}(?P<value>(?=[A-Za-z]*[-_0-9])[A-Za-z][-_A-Za-z0-9]{{5,19}}){_NO_CODE_AFTER}"
)
WECHAT_NEAR = re.compile(rf"(?:{WECHAT_WORD}[^,。;!?]{{0,12}}[,。]?[^,。;!?]{{0,6}}|加(?:我|他|她|你|一下|个)?[ :]?)$")
_QQ_NUMBER = r"(?P<value>[0-9](?:[ .-]{0,2}[0-9]){4,10})(?![0-9])"
QQ = re.compile(
    rf"(?:QQ(?:群?里?的?管理员)?|qq|Qq|扣扣|企鹅|{_NO_CODE_BEFORE}[Qq])(?:吧|哈)?{_LINK}{{0,4}}{_QQ_NUMBER}"
)
QQ_AFTER = re.compile(r"(?<![0-9A-Za-z@])(?P<value>[1-9][0-9]{5,10})(?:这个|那个|是我|是他|是她)?(?:的)?(?:QQ|qq|扣扣)")
QQ_NEAR = re.compile(rf"[Qq]{{1,2}}(?:号|是)[^。;!?]{{0,18}}?(?:[,是]){_QQ_NUMBER}")
PASSPORT = re.compile(
    rf"{_NO_CODE_BEFORE}(?P<value>(?:[A-Z] [A-Z](?: [0-9]){{7}}|[EeGgDdSsPpKkHhMm](?:{_SPLIT}[0-9]){{8}}"
    rf"|[Ee] ?[A-HJ-NP-Za-hj-np-z](?:{_SPLIT}[0-9]){{7}}"
    rf"|\([EGDSP]\)[0-9]{{8}}|(?=[A-Z]{{0,2}}[0-9])[A-Z][A-Z0-9]{{8}}[A-Z]?"
    rf"|[A-Z](?: [0-9]{{2,3}}){{3}}"
    rf"|[A-Z]{{1,2}}[0-9]{{6,8}}|(?<![0-9][ .-])[0-9](?:{_SPLIT}[0-9]){{8}}(?![ .-]?[0-9])))"
    rf"(?!\([0-9A]\)){_NO_CODE_AFTER}"
)
PASSPORT_CONTEXT = re.compile(r"(?:护照|パスポート|passport|PASSPORT|Passport)[^。;]{0,24}$")
# Numbers of Chinese passports are so shaped that they need no word before them, but for what is called a code.
CHINESE_PASSPORT = re.compile(
    r"(?<![A-Za-z0-9码号单编])(?P<value>[Ee][A-HJ-NP-Za-hj-np-z](?:[ -]?[0-9]){7}|[EeG][ -]?[0-9]{4}[ -]?[0-9]{4})"
    r"(?![A-Za-z0-9元]|[ -][0-9])"
)
PASSPORT_BEHIND = re.compile(r"[^。;]{0,16}护照")
HONG_KONG_ID = re.compile(
    rf"{_NO_CODE_BEFORE}(?<![A-Za-z0-9]-)(?P<value>[A-Za-z]{{1,2}} ?[0-9]{{3}}{_SPLIT}[0-9]{{3}} ?\([0-9Aa]\))"
)
HONG_KONG_WORD = re.compile(
    rf"(?:HKID|香港身份证)[^A-Z0-9。;]{{0,6}}(?P<value>[A-Z]{{1,2}}[0-9]{{6}}-?[0-9A]){_NO_CODE_AFTER}"
)
MACAO_ID = re.compile(r"(?<![0-9A-Za-z])(?P<value>[157][0-9]{6}\([0-9]\))")
TRAVEL_PERMIT = re.compile(
    rf"{_NO_CODE_BEFORE}(?P<value>(?:[HMCWThmcwt]{_SPLIT}[0-9]|C[A-HJ-NP-Z])(?:{_SPLIT}[0-9]){{7}}"
    rf"(?:(?:{_SPLIT}[0-9]){{2}})?"
    rf"(?: ?\([0-9]{{2}}\))?){_NO_CODE_AFTER}"
)
TAIWAN_ID = re.compile(rf"{_NO_CODE_BEFORE}(?P<value>[A-Z][12][0-9]{{8}}){_NO_CODE_AFTER}")
TAIWAN_PERMIT = re.compile(
    rf"(?<![0-9A-Za-z])(?P<value>[0-9](?:{_SPLIT}[0-9]){{7}}(?:(?:{_SPLIT}[0-9]){{2}})?(?:\([A-Z]\))?)"
    r"(?![0-9A-Za-z]| [0-9])"
)
TAIWAN_CONTEXT = re.compile(r"(?:台胞|台湾居民|台证|来往大陆|新版[8八]位)[^0-9。;]{0,12}$")
TAIWAN_AFTER = re.compile(r"\(?(?:台胞证|台证)")
PERMIT_CONTEXT = re.compile(r"(?:通行|回乡|返乡|居留|证|港|澳|台胞)[^。;]{0,12}$")
# 驾驶证档案号450100718236, 南字第0284716号, CHN284710593 of a residence permit.
DRIVING_LICENCE = re.compile(
    r"(?:驾驶?[证照]|行驶证)[^0-9A-Za-z,。;]{0,8}(?P<value>[0-9]{12}|[0-9]{6}[ -][0-9]{6})(?![0-9])"
)
SERVICE_CARD = re.compile(
    r"(?:军官|士兵|警官|文职|军人|武警|士官|义务兵|现役|退役|军属)[^0-9。;]{0,12}?"
    r"(?P<value>[\u4e00-\u9fff]字?第[0-9]{5,10}号?|(?<=[证号是:\[(【 ])[0-9]{7,10}(?![0-9]))"
)
RESIDENCE_PERMIT = re.compile(rf"{_NO_CODE_BEFORE}(?P<value>[A-Z]{{3}}(?:{_SPLIT}[0-9]){{9,12}}){_NO_CODE_AFTER}")
_PROVINCE = r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
PLATE = re.compile(
    rf"(?P<value>{_PROVINCE}[A-Za-z][· .•-]?(?=[A-Za-z0-9]{{0,5}}[0-9])[A-HJ-NP-Za-hj-np-z0-9]{{4,5}}"
    r"[A-HJ-NP-Za-hj-np-z0-9学警港澳挂])(?:(?<=[学警港澳挂])|(?![A-Za-z0-9]))"
)
DOTTED_PLATE = re.compile(rf"{_PROVINCE}[A-Z][·•][A-HJ-NP-Z0-9]{{5,6}}(?![A-Za-z0-9])")
# Split, or without a digit, only where a car is spoken of.
CAR_PLATE = re.compile(
    rf"(?:车|牌|驾|开"
    rf"|ETC)[^,。;]{{0,8}}?(?P<value>{_PROVINCE} ?[A-Za-z][· .•-]{{0,3}}[A-HJ-NP-Za-hj-np-z0-9]"
    rf"(?:[ .-]?[A-HJ-NP-Za-hj-np-z0-9]){{3,5}}[学警港澳挂]?)(?![A-Za-z0-9])"
)
_COMPANY = "[0-9A-HJ-NP-RTUWXYa-hj-np-rtuwxy]"
COMPANY_CODE = re.compile(rf"(?<![A-Za-z0-9])(?P<value>{_COMPANY}(?:{_SPLIT}{_COMPANY}){{17}})(?![A-Za-z0-9])")
COMPANY_SHAPE = re.compile(r"9[1-3][0-9]{6}MA")  # of companies registered since 2015: nothing else looks so
COMPANY_BEHIND = re.compile(r"[^0-9。;]{0,6}(?:公司代码|信用代码|税号)")
# A character too few or too many where nothing else can be meant.
MISTYPED_COMPANY_CODE = re.compile(
    rf"(?:信用代码|税号|识别号)(?:[^0-9A-Za-z。;]|1位){{0,10}}(?P<value>9{_COMPANY}{{16}}(?:{_COMPANY}{{2}})?)(?![A-Za-z0-9])"
)
COMPANY_CONTEXT = re.compile(r"(?:信用代码|机构代码|税号|执照|代码|识别号|公司|单位)[^。;]{0,8}$")
IBAN = re.compile(
    rf"{_NO_CODE_BEFORE}(?P<value>[A-Z]{{2}}[0-9]{{2}}(?: ?[A-Z0-9]{{4}}){{3,7}}(?: ?[A-Z0-9]{{1,3}})?){_NO_CODE_AFTER}"
)
LETTERED_ACCOUNT = re.compile(
    r"(?:股东(?:账户|账号|卡|代码)?|账户|账号|户头|存折号?|存单号?|贷款账?号)[是为: ]{0,3}"
    rf"(?P<value>[A-Z]{{1,3}}-?[0-9]{{6,14}}){_NO_CODE_AFTER}"
)
IBAN_CONTEXT = re.compile(r"(?:IBAN|账号|账户|收款)[^。;]{0,12}$", re.IGNORECASE)
# Words that may also come after the value.
BEHIND = {TAIWAN_CONTEXT: TAIWAN_AFTER, PASSPORT_CONTEXT: PASSPORT_BEHIND}
HAS_LATIN = re.compile(r"[A-Za-z]")
CONTEXT_WIDTH = 30


def find_codes(text: str, folded: str) -> Iterator[PiiSpan]:
    """Spans of codes that hold letters, and of QQ numbers and Taiwan permits."""
    if "@" in text:
        yield from _spans("email", EMAIL, text)
    if MAIL_HINT.search(text):
        yield from _spans("email", HIDDEN_EMAIL, folded)
    if " at " in text:
        yield from _spans("email", SAID_EMAIL, folded)
    yield from _spans("qq", QQ, folded)
    yield from _spans("qq", QQ_AFTER, folded)
    yield from _spans("qq", QQ_NEAR, folded)
    yield from _spans("permit", MACAO_ID, folded)
    yield from _spans("permit", DRIVING_LICENCE, folded)
    yield from _spans("permit", SERVICE_CARD, folded)
    yield from _after("permit", TAIWAN_PERMIT, TAIWAN_CONTEXT, folded, text) if "台" in text else ()
    for match in COMPANY_CODE.finditer(folded):
        before = text[: match.start()][-CONTEXT_WIDTH:]
        if COMPANY_BEHIND.match(text, match.end()) or _is_company_code(match["value"], before):
            yield _span("company_code", match)
    yield from _spans("company_code", MISTYPED_COMPANY_CODE, folded)
    if not HAS_LATIN.search(text) and "护照" not in text:
        return
    yield from _spans("plate", PLATE, folded)
    yield from _spans("plate", DOTTED_PLATE, folded)
    yield from _spans("plate", CAR_PLATE, folded)
    yield from _spans("permit", HONG_KONG_ID, folded)
    yield from _spans("permit", HONG_KONG_WORD, folded)
    yield from _after("passport", PASSPORT, PASSPORT_CONTEXT, folded, text)
    yield from _after("permit", TRAVEL_PERMIT, PERMIT_CONTEXT, folded, text)
    yield from _after("permit", RESIDENCE_PERMIT, PERMIT_CONTEXT, folded, text)
    yield from _spans("passport", CHINESE_PASSPORT, folded)
    yield from (_span("permit", match) for match in TAIWAN_ID.finditer(text) if _is_taiwan_id(match["value"]))
    yield from _after("account", IBAN, IBAN_CONTEXT, text, text)
    yield from _spans("account", LETTERED_ACCOUNT, folded)
    yield from _spans("wechat", WECHAT, folded)
    yield from _spans("wechat", WECHAT_BEHIND, text)
    yield from _after("wechat", WECHAT_AFAR, WECHAT_NEAR, text, text)


def _span(kind: str, match: re.Match[str]) -> PiiSpan:
    group = "value" if "value" in match.re.groupindex else 0
    return PiiSpan(kind=kind, start=match.start(group), end=match.end(group))


def _spans(kind: str, pattern: re.Pattern[str], text: str) -> Iterator[PiiSpan]:
    return (_span(kind, match) for match in pattern.finditer(text))


def _after(kind: str, pattern: re.Pattern[str], context: re.Pattern[str], folded: str, text: str) -> Iterator[PiiSpan]:
    """Matches that the words before them introduce, or for some the words behind."""
    for match in pattern.finditer(folded):
        before = text[max(0, match.start() - CONTEXT_WIDTH) : match.start()]
        behind = BEHIND.get(context)
        is_lettered = match["value"][0].isalpha() or context is TAIWAN_CONTEXT
        if context.search(before) or (behind and is_lettered and behind.match(text, match.end())):
            yield _span(kind, match)


def _is_company_code(value: str, before: str) -> bool:
    """A valid check character, or a word that says so; an ID card is not one."""
    code = re.sub(r"[ .-]", "", value).upper()
    if code.isdigit() or (code[:17].isdigit() and code[17] == "X"):
        return code[0] == "9" and bool(COMPANY_CONTEXT.search(before))
    if COMPANY_SHAPE.match(code):
        return True
    return bool(uscc.calc_check_digit(code) == code[-1] and code[2:8].isdigit()) or bool(COMPANY_CONTEXT.search(before))


# Taiwan's ID: a letter for the place, then nine digits that sum to a multiple of ten with these values.
_PLACES = "ABCDEFGHJKLMNPQRSTUVXYWZIO"


def _is_taiwan_id(value: str) -> bool:
    place = _PLACES.index(value[0]) + 10
    digits = [place // 10, place % 10, *map(int, value[1:])]
    return sum(d * w for d, w in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0
