"""Addresses below the level of a city. In: normalised text. Out: spans of kind `address`.

An address is found by its core, a road, estate or village with a number (文三路18号, 云澜苑3幢, 石桥村四组), from
which it is read to both sides: over district, county, town before it, over building, unit and room behind it. City and
province stay. The address of a branch is public and stays too.
"""

import re
from collections.abc import Iterator

from data.redaction.spans import PiiSpan

HAN = r"[\u4e00-\u9fff]"
# A character of a name of a place, not of a sentence around it.
NAMED = r"(?:(?![的了在我你他到给是有被把说还扣和与要就都也为])[\u4e00-\u9fff])"
_NUMBER = (
    r"(?:第?(?:[0-9A-Za-z甲乙丙丁附]{1,5}(?:[-—~之][0-9A-Za-z]{1,5}){0,3}|[零〇○一二三四五六七八九十百幺两]{1,6}))"
)
# Words that end the name of a road, of an estate or of a village. The look-behinds keep 知道, 线路, 卡里, 医院 out.
_ROAD = (
    r"(?:大道|大街|胡同|弄堂|马路|(?<![线网电套走出半销多])路|街|巷|弄(?=[0-9])|(?<![知渠通报频说赛街])道"
    r"|(?<![这那哪卡家手心账店款群信屋月年夜行])里|坊)"
)
_ESTATE = (
    r"(?:小区|花园|公寓|家园|新村|新城|新邨|大厦|广场|宿舍楼?|家属[院楼]|工业园|产业园|批发市场|市场|老干所|安置房"
    r"|公馆|中心|社区|城|苑|园|庭|府"
    r"|居|轩|阁|邸|墅|湾|港|郡|院|座|楼|寓所|商厦|大楼|工地|工棚|车库|屋邨|邨|村)"
)
_VILLAGE = (
    r"(?:村委会|村委|行政村|自然村|村|屯|庄|寨|社区|居委会|居委|委|大队|农场|林场|嘎查|生产队|牧业队|桥|湾|塘|坪|坝"
    r"|店|埠)"
)
_LOT = (
    r"(?:号楼|号院|号|弄|幢|栋|座|单元|室|楼之[0-9]+|楼|层|门|户|房|铺|#|院|排|棚|巷|组|队|社|支路|期|区|梯|档|舍|邻"
    r"|摊位|床|塔)"
)
_BLOCK = r"(?:号楼|号院|栋|幢|座|单元|室|弄|#)"
CORE = re.compile(
    rf"(?P<way>{_ROAD}(?:[东南西北中]?[一二三四五六0-9]?段|[东南西北中](?:路|街|里|巷)?|[一二三四五六七八九十]巷"
    rf"|{HAN}{{0,6}}[旁边脚口门])?"
    rf" ?(?:甲|乙|附)?{_NUMBER} ?(?:号|弄|幢|栋|座|巷|#|院|楼)"
    rf"|{_ESTATE}[东南西北中A-Z]?(?:区|院|门)?(?:{_NUMBER}区|里)?[ -]?{_NUMBER} ?(?:{_BLOCK}|-[0-9]+-[0-9]+"
    rf"|-[0-9]{{3,4}})"
    rf"|(?:大厦|小区|花园|公寓|家园|新村|新居|寓所|广场|宿舍) ?{_NUMBER} ?号"
    rf"|(?:路|街|道|巷) ?[0-9]{{1,4}}-[0-9]{{1,3}}-[0-9]{{1,4}}"
    rf"|(?<=[\u4e00-\u9fff]{{2}})(?:{_NUMBER}[期区])?[0-9]{{1,3}} ?(?:栋|幢|号楼)(?= ?(?:[0-9A-Z]"
    rf"|[一二三四五六七八九]单元))"
    rf"|(?<=[\u4e00-\u9fff]{{2}}){_NUMBER}号{_NUMBER}[栋幢]"
    rf"|(?:{_VILLAGE}|[镇乡]) ?{_NUMBER} ?(?:组|队|社|屯|号院|号|巷)"
    rf"|村(?:委)?{NAMED}{{1,5}}?(?:(?<!小|作)组|(?<![排军部车大])队|屯)"
    rf"|(?<=[镇乡县])(?<![老故家回返同][镇乡县])[\u4e00-\u9fff]{{1,4}}?(?<![邻回返进农本全各出下入我该某个])(?:村|屯"
    rf"|庄))"
)
# An estate or a village that needs no number, because the words before it say that somebody lives there.
LIVES = re.compile(
    rf"(?:家住|住在|住址|地址|现住|家在|老家|户籍|住|寄到|寄往)(?:是|为|在|:)?"
    rf"(?!哪|酒店|食堂|学校|公司|单位|同一)(?P<place>(?:(?![的我你他没一写就有不了]){HAN}){{2,12}}?(?:小区|花园|公寓"
    rf"|家园|新村|胡同|大厦|宿舍|家属院|苑|村|屯|弄堂))(?!镇|银行|支行)"
)
# After words that announce an address, everything up to the sign that ends it, if it holds a word of one.
ANNOUNCED = re.compile(
    r"(?:(?:家庭|家里|收货|邮寄|寄送|送达|通讯|通信|联系|注册|经营|账单|居住|户籍|身份证|门店|预留|来信"
    r"|现在?)?(?:住址|地址)|户籍地?|户口所在地|户口在|籍贯|家住|现住|居住在|住在|租住在?"
    r"|寄到|寄往|寄至|送至|派送至|店铺?开在|经营场所|档口在|摊位在?|门牌)(?:[是为在于:]|确认书?|改成|变更为|:| ){0,3}"
    rf"(?P<place>(?:{NAMED}|[0-9A-Za-z#—() -]){{5,44}})"
)
PLACE_WORD = re.compile(
    rf"{_NUMBER} ?{_LOT}|[0-9]-[0-9]|(?:区|县|旗|镇|乡|街道|路|街|巷|村|屯|庄|嘎查|小区|花园|公寓|家园|新村|苑|宿舍"
    rf"|家属[院楼]|大院|社区|连|队|组)(?!支行|银行|网点)"
)
TAIL = re.compile(
    rf"(?:[ ,-]?(?:{NAMED}{{1,9}}?)?[东南西北中A-Z]?(?:区|院内|院|门"
    rf"|内)? ?{_NUMBER} ?{_LOT}[A-Z]?(?![码线一二三四五六七八九十0-9]*[还扣之前后晚早上下那])"
    rf"|之[0-9]{{1,4}}|{NAMED}{{1,8}}?[塔座楼][0-9]{{3,5}}|[东西南北中]楼[0-9]{{2,4}}"
    rf"|(?:{HAN}{{1,8}}?{_ESTATE})?[ -]?[0-9A-Z]{{1,3}}(?:-[0-9A-Z]{{1,4}}){{1,2}}(?![0-9])"
    rf"|[ -]?[0-9]{{2,4}}(?:-[0-9]{{1,4}})?(?:室|房|号)?(?![0-9元块万年月日天次个笔分%.,]*[0-9元块万年月日天次个笔分%])"
    rf"|[零〇一二三四五六七八九幺]{{3,4}}(?![零〇一二三四五六七八九幺十百千万元块年月日天次个])"
    rf"|{NAMED}{{1,4}}?(?:庄|屯|寨|组|队)(?![伍里])"
    rf"|{HAN}{{1,7}}?(?:小区|花园|公寓|家园|新村|大厦|宿舍|家属院|广场|苑|居|府|庭|轩|阁)(?:[东南西北]门)?)"
)
END = re.compile(
    rf"(?:{HAN}{{0,4}}?(?:[东西南北前后左右侧](?:门洞?|侧|排)|院内|后院|平房|门市|门面|商铺|底商|工棚|楼下|隔壁|对面"
    rf"|地下|顶楼加盖|顶楼|仓库|综合楼|宾馆|旅馆|饭店|商店|[五金杂货菜烟]店)){{0,2}}"
)
DISTRICT = re.compile(rf"{HAN}{{1,5}}?(?:新区|开发区|街道|自治[旗县]|区|县|旗|镇|乡|村)|新界|九龙|港岛|氹仔|路环")
# Where the words of the sentence end and the address begins; a single character only if two or more follow it.
STOP_WORD = re.compile(
    r"住址|地址|住在|家住|现住|位于|寄到|寄往|寄给|寄去|送到|送货|搬到|改到|改成|改寄|录成|写成|写的|家在|户籍|籍贯"
    r"|门牌|老家|店址|来自|就在|还在|人在|开在|自治区|自治州|单位|客户|本人|登记|房子|房产|"
    r"收到|发到|回到|填的|填成|门店|店在|特别行政区|那套|这套|期间|宿舍(?=.{3})|香港|澳门|台湾|广西|宁夏|新疆|西藏"
    r"|内蒙古|(?:北京|上海|天津|重庆)(?![东西南北中]?[一二三]?(?:路|街|大道|道))|住|省"
    r"|(?<![都城牛花菜夜集股超早门])市(?![场政民区北南中])|州(?!区)|盟|寄|搬"
)
STOP_CHARACTER = re.compile(
    r"和(?![平谐顺美兴睦])|[在到是为于从去给的我往至与及或了他她你您回有由把将跟过址收写成叫送发租买卖]"
)
PUBLIC_PLACE = re.compile(
    rf"(?:的|上的?|那个|那家)?{HAN}{{0,6}}?(?:支行|分行|网点|营业厅|营业部|营业所|分理处|储蓄所|银行|派出所|法院"
    rf"|税务|自助|ATM|信用社|服务厅)"
)
HINT = re.compile(rf"{_NUMBER} ?{_LOT}|[镇乡县]{HAN}{{1,5}}?[村屯庄]|村{HAN}{{1,5}}?[组队屯]|住|址|寄|-[0-9]+-[0-9]")
BROKEN_BEFORE = re.compile(rf"{HAN}{{1,14}}(?:区|县|旗|镇|乡|路|街|大道|街道|村|苑|小区)[ ,-]$")
WIDEST_NAME = 26
LONGEST_NAME = 14


def find_addresses(text: str, folded: str) -> Iterator[PiiSpan]:
    """Spans of addresses, from district, county, town or road on."""
    if not HINT.search(text):
        return
    last = 0
    for match in CORE.finditer(text):
        if match.start() < last:
            continue
        start = _left_edge(text, last, match.start())
        if start == match.start() and not text[start : match.end()].startswith(("胡同", "村")):
            continue
        end = _right_edge(text, match.end())
        if not PUBLIC_PLACE.match(text, end):
            yield PiiSpan(kind="address", start=start, end=end)
        last = end
    for match in ANNOUNCED.finditer(text):
        yield from _announced(text, match)
    for match in LIVES.finditer(text):
        start = _left_edge(text, match.start("place"), match.end("place") - 1)
        yield PiiSpan(
            kind="address", start=min(start, match.end("place") - 2), end=_right_edge(text, match.end("place"))
        )


def _announced(text: str, match: re.Match[str]) -> Iterator[PiiSpan]:
    """The part of an announced place from below the city to the last word or number of an address."""
    start, last = match.span("place")
    words = list(PLACE_WORD.finditer(text, start, last))
    if len(words) < 2 or PUBLIC_PLACE.match(text, words[-1].end()):
        return
    end = max(words[-1].end(), _right_edge(text, words[-1].end()))
    for city in STOP_WORD.finditer(text, start, words[0].start()):
        start = city.end()
    yield PiiSpan(kind="address", start=start, end=end)


def _left_edge(text: str, earliest: int, way: int) -> int:
    """Where the address begins whose road, estate or village name ends at `way`."""
    run = re.search(rf"{HAN}*$", text[max(earliest, way - WIDEST_NAME) : way])
    name = run.group() if run else ""
    cut = 0
    for match in STOP_WORD.finditer(name):
        if match.end() < len(name):
            cut = match.end()
    for match in STOP_CHARACTER.finditer(name, cut):
        if len(name) - match.end() >= 2:
            cut = match.end()
    is_whole = cut == 0
    name = name[cut:]
    if DISTRICT.search(name) is None and len(name) > LONGEST_NAME:
        name = name[-4:]
    start = way - len(name)
    # 雁塔区-科技二路-泰祥苑-6#: the parts before belong to it
    broken = is_whole and BROKEN_BEFORE.search(text[max(earliest, start - WIDEST_NAME) : start])
    return _left_edge(text, earliest, start - 1) if broken else start


def _right_edge(text: str, end: int) -> int:
    """Over building, unit and room behind the core."""
    while True:
        match = TAIL.match(text, end)
        if not match or match.end() == end:
            break
        end = match.end()
    last = END.match(text, end)
    return last.end() if last else end
