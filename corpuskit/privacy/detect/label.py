"""What the words around a value say that it is: a label before it, the key of a field, the head of a column.

A label is evidence and never part of a value. Labels are read alike in sentences (`전화는 010...`), in fields
(`phone=`, `"userPhone": `, `?tel=`, `<phone>`) and in tables, where the first line names the columns.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

REACH = 48
"""Code points before a value in which its label is looked for."""


class Label(NamedTuple):
    """The nearest label of a value."""

    name: str | None
    """'phone', 'account', 'order', ..., or None."""
    direct: bool
    """Whether no other value comes between the label and the value; an indirect label speaks for its own kind alone."""


def _latin(words: str, after: str = "") -> str:
    """English words that begin where a word does (also in camelCase and snake_case) and end where one does."""
    begin = "(?:(?<![A-Za-z])|(?-i:(?<=[a-z])(?=[A-Z])))"
    end = "(?:_?(?:numbers?|num|no|nr|id)(?![A-Za-z]))?(?:(?![A-Za-z])|(?-i:(?<=[a-z])(?=[A-Z])))"
    return f"{begin}(?:{words}){end}{after}"


_LABELS = {
    "order": r"주문|송장|시리얼|바코드|모델|버전|품번|학번|사번|조회|누적|합계|금액|특허|법인등록|게시글|글번호"
    r"|문서번호"
    r"|(?:접수|예약|상품|문서|등기|허가|승인|출원|사건|관리|회원|제품|발행|일련|처리|접속|우편|청원"
    r"|운송장) ?(?:번호|코드)"
    + "|"
    + _latin(
        r"orders?|tracking|invoice|ticket|isbn(?:-?1[03])?|issn|doi|serial|model|version|ver|barcode|articles?|pmid"
        r"|part|sku|patent|reference|ref|case|build|commit|hash|issue|bug|upc|ean|gtin|lot|batch|confirmation|receipt"
        r"|timestamps?|total|population|revenue|catalog(?:ue)?|aid|oid|sid|pid|gid|uid|uuid|idx|seq|ts|page"
        r"|price|amount"
        r"|quantity|offset|size|bytes|time|epoch|checksum|log_?no|post|thread|item|node"
    ),
    "phone": r"전화|연락|휴대폰|핸드폰|휴대전화|폰번호|전번|폰|문의|☎|☏|📞|📱|팩스|카톡|문자|고객센터|콜센터"
    r"|상담|대표번호"
    r"|내선|모바일|통화|(?<![가-힣])(?:제|내|저희|우리) ?번호|"
    + _latin(
        r"tel|telephone|tele|(?:tele|cell|mobile|smart|i)?phones?|mobile|cell|call(?:s|ed|ing)?|fax|hp|h\.p"
        r"|whatsapp|ars"
        r"|text me|dial|contact|(?:my|his|her|our|your|their) number|(?:office|direct|home|desk|land) ?line"
        r"|reach (?:me|us|him|her)|sms|ring|ph|hotline|toll[- ]free|msisdn|telefon|handy|portable"
    )
    + r"|(?<![A-Za-z'])[MTPHOF][.:] ?\(?\+?$",
    "account": r"계좌|입금|송금|이체|예금|은행|뱅크|농협|신협|수협|새마을|우체국|후원|환불"
    r"|(?:국민|신한|우리|하나|기업|토스|카뱅|케뱅|산업|부산|대구|광주|전북|경남|제주|산림|저축|SC제일|씨티|[KI]BK?)"
    r"(?= ?[:)]? ?$)|" + _latin(r"(?:bank[_ ]?)?accounts?|acct|a/c|routing"),
    "card": r"카드|결제|"
    + _latin(
        r"credit|debit|cards?|(?:credit|debit)_?card|visa|mastercard|amex|american express|jcb|discover|diners|cc"
        r"|ccn|pan"
    ),
    "resident": r"주민|외국인등록|등록번호|민번|민증|생년월일|"
    + _latin(r"resident|rrn|registration|jumin|frn|ssn_?kr"),
    "business": r"사업자(?: ?등록)?(?: ?번호)?|" + _latin(r"business[_ ]registration|brn|biz"),
    "licence": r"면허|" + _latin(r"driver'?s?|driver'?s?[_ ]?licen[cs]e|licen[cs]e"),
    "taxpayer": _latin(r"ssns?|s\.s\.n|social[_ ]?security|itins?|tax(?:payer)?[_ ]?id\w*|tin"),
    "passport": r"여권|" + _latin(r"passport"),
    "imei": _latin(r"imei|imeisv|device id"),
    "customs": r"통관|" + _latin(r"customs|pccc"),
    "nhs": _latin(r"nhs"),
    "aadhaar": _latin(r"a?adh?aa?r|uidai"),
    "cpf": _latin(r"cpf"),
    "chinese": r"身份证|居民身份|" + _latin(r"chinese[_ ]id|shenfenzheng"),
    "patient": r"환자 ?번호|차트 ?번호|병록 ?번호|" + _latin(r"mrn|medical[_ ]?record|patient|chart"),
}
_INITIALS = "A-Za-z" + "".join(sorted(set(re.findall("(?<![가-힣])[^\\x00-\\x7f]", "|".join(_LABELS.values())))))
"""A label begins with a letter or with one of these: a look at one character spares most places the hundred words."""
_LABEL = re.compile(
    f"(?=[{_INITIALS}])(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _LABELS.items()) + ")",
    re.IGNORECASE | re.ASCII,
)
_OWN_KEY = re.compile(r"[\w가-힣.\[\]-]{1,40}[\"']?\s?(?:=|:|：)\s?[\"']?$")
"""The key of a field just before its value: `id=`, `"no": "`."""
_VALUE_BETWEEN = re.compile(r"[0-9](?:[- ./]{0,2}[0-9]){6}")
_UNLABELLED = Label(None, True)
_CELL_SIGNS = ",\t|;"
_HEAD_REACH = 4000
_CELL = 60


def label(text: str, start: int) -> Label:
    """The nearest label before `start` in the same paragraph, or the head of its column in a table."""
    found = _nearest(text[max(0, start - REACH) : start])
    if found.name is not None and found.direct:
        return found
    head = _column_head(text, start)
    return head if head is not None else found


@lru_cache(maxsize=4096)  # a number is asked about once for each thing that it could be
def _nearest(before: str) -> Label:
    begin = before.rfind("\n\n") + 1
    last = None
    for match in _LABEL.finditer(before, begin):
        last = match
    if last is None:
        return _UNLABELLED
    name = last.lastgroup
    rest = before[last.end() :]
    if _VALUE_BETWEEN.search(rest):
        return Label(name, False)
    if name == "order":
        key = _OWN_KEY.search(before)
        if key is not None and key.start() >= last.end() and "\n" not in rest:
            return _UNLABELLED
    return Label(name, True)


def _column_head(text: str, start: int) -> Label | None:
    """The label in the first line of a delimited table, in the column of the value that begins at `start`."""
    line = text.rfind("\n", max(0, start - 1000), start) + 1
    if line == 0:
        return None
    before = text[line:start]
    cell = before.rstrip(" \"'(")
    if cell:
        sign = cell[-1]
        if sign not in _CELL_SIGNS:
            return None
    else:
        ahead = text[start : start + _CELL]
        sign = next((character for character in ahead if character in _CELL_SIGNS), "")
        if not sign:
            return None
    block = text.rfind("\n\n", max(0, line - _HEAD_REACH), line)
    first = block + 2 if block >= 0 else 0 if line <= _HEAD_REACH or text.find("\n", 0, 500) >= 0 else -1
    if first < 0 or first >= line:
        return None
    end = text.find("\n", first, first + 1000)
    heads = _heads(text[first : end if end >= 0 else first], sign)
    column = _cells(before, sign)
    return heads[column] if column < len(heads) else None


def _cells(row: str, sign: str) -> int:
    """How many delimiters outside quotes a row has."""
    if '"' not in row:
        return row.count(sign)
    return sum(part.count(sign) for part in row.split('"')[::2])


@lru_cache(maxsize=256)
def _heads(line: str, sign: str) -> tuple[Label | None, ...]:
    """The label of each column of a table's first line; empty where the line names nothing."""
    cells = line.split(sign)
    if len(cells) < 2 or sum(character.isdigit() for character in line) > len(line) // 4:
        return ()
    return tuple(_head(cell.strip(" \"'")) for cell in cells)


def _head(cell: str) -> Label | None:
    if not 1 < len(cell) <= _CELL:
        return None
    last = None
    for match in _LABEL.finditer(cell):
        last = match
    return Label(last.lastgroup, True) if last is not None else None


def as_context(name: str) -> str:
    """What to read before the value of a field with this name: `phone: `, or '' where the name says nothing."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").strip()
    return f"{words}: " if words and (_LABEL.search(words) or _OTHER_LABEL.search(words)) else ""


_OTHER_LABEL = re.compile(
    r"birth|born|dob|생년월일|생일|출생|passw|passcode|pwd|secret|token|api ?key|credential|비밀번호|비번|암호"
    r"|telegram|kakao|instagram|twitter|discord|skype|wechat|카톡|텔레그램|아이디|post ?code|name|성명|이름|예금주|주소"
    r"|address|plate|nino|national insurance|author|customer|recipient|sender",
    re.IGNORECASE,
)
