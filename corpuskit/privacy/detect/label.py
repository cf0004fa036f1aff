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


_KOREAN = {
    "order": "주문|송장|시리얼|바코드|모델|버전|품번|학번|사번|조회|누적|합계|금액|특허|법인등록|게시글|글번호|문서번호"
    "|(?:접수|예약|상품|문서|등기|허가|승인|출원|사건|관리|회원|제품|발행|일련|처리|접속|우편|청원"
    "|운송장) ?(?:번호|코드)",
    "phone": "전화|연락|휴대폰|핸드폰|휴대전화|폰번호|전번|폰|문의|☎|☏|📞|📱|팩스|카톡|문자|고객센터|콜센터"
    "|상담|대표번호"
    "|내선|모바일|통화|(?<![가-힣])(?:제|내|저희|우리) ?번호",
    "account": "계좌|입금|송금|이체|예금|은행|뱅크|농협|신협|수협|새마을|우체국|후원|환불"
    "|(?:국민|신한|우리|하나|기업|토스|카뱅|케뱅|산업|부산|대구|광주|전북|경남|제주|산림|저축|제일|씨티)(?= ?[:)]? ?$)",
    "card": "카드|결제",
    "resident": "주민|외국인등록|등록번호|민번|민증|생년월일",
    "business": "사업자(?: ?등록)?(?: ?번호)?",
    "licence": "면허",
    "passport": "여권",
    "customs": "통관",
    "chinese": "身份证|居民身份",
    "patient": "환자 ?(?:등록)? ?번호|차트 ?번호|병록 ?번호",
}
_ENGLISH = {
    "order": "order|tracking|invoice|ticket|isbn|issn|doi|serial|model|version|ver|barcode|article|pmid|part|sku|patent"
    "|reference|ref|case|build|commit|hash|issue|bug|upc|ean|gtin|lot|batch|confirmation|receipt|timestamp|total"
    "|population|revenue|catalog|catalogue|aid|oid|sid|pid|gid|uid|uuid|idx|seq|ts"
    "|checksum|log no",
    "phone": "tel|telephone|tele|phone|telephones|cellphone|mobilephone|homephone|workphone|smartphone|iphone"
    "|mobile|cell"
    "|call|called|calling|fax|hp|h.p|whatsapp|ars|text me|dial|contact|my number|his number|her number|our number"
    "|your number|their number|office line|direct line|home line|desk line|land line|landline|reach me|reach us"
    "|reach him|reach her|sms|ring|ph|hotline|toll free|msisdn|telefon|handy|portable",
    "account": "account|acct|a/c|routing|iban|kb|ibk|sc",
    "card": "credit|debit|card|creditcard|debitcard|visa|mastercard|amex|american express|jcb|discover|diners"
    "|cc|ccn|pan",
    "resident": "resident|rrn|registration|jumin|frn",
    "business": "business registration|brn|biz",
    "licence": "driver|driver license|license|licence",
    "taxpayer": "ssn|s.s.n|social security|itin|taxpayer|tax id|taxid|tin",
    "passport": "passport",
    "imei": "imei|imeisv|device id",
    "customs": "customs|pccc",
    "nhs": "nhs",
    "aadhaar": "aadhaar|adhaar|aadhar|uidai",
    "cpf": "cpf",
    "chinese": "chinese id|shenfenzheng",
    "patient": "mrn|medical record|patient|chart",
}
_ENDINGS = ("", "s", "number", "no", "num", "nr", "id")
_LATIN = {
    (word if not ending else word + ending): name
    for name, words in _ENGLISH.items()
    for word in words.split("|")
    for ending in _ENDINGS
}
"""The label of each English word, also written together with what ends it (`phoneno`, `cards`)."""
_LAST_WORDS = frozenset(re.split("[ ./]", word)[-1] for word in _LATIN if re.search("[ ./]", word))
_LONGEST = 3
"""Words of the longest English label."""
_WORD = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""Words, also in camelCase and snake_case."""
_INITIALS = "".join(sorted(set(re.findall("[^\\x00-\\x7f]", "|".join(_KOREAN.values()).replace("가-힣", "")))))
_HANGUL = re.compile(
    f"(?=[{_INITIALS}])(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _KOREAN.items()) + ")"
)
_ONE_LETTER = re.compile(r"(?<![A-Za-z'])[MTPHOF][.:] ?\(?\+?$")
_OWN_KEY = re.compile(r"[\w가-힣.\[\]-]{1,40}[\"']?\s?(?:=|:|：)\s?[\"']?$")
"""The key of a field just before its value: `id=`, `"no": "`."""
_VALUE_BETWEEN = re.compile(r"[0-9](?:[- ./]{0,2}[0-9]){6}")
_OWN = re.compile(r"(?:<[A-Z]|^)[A-Z_]{0,30}(?::[0-9a-f]{0,16}|^[0-9a-f]{0,16})?>")
"""What scrubbing writes, or its end, is no label: a value after `<PHONE>` is what it was before."""
_UNLABELLED = Label(None, True)
_CELL_SIGNS = ",\t|;"
_HEAD_REACH = 4000
_CELL = 60


@lru_cache(maxsize=64)  # a number is asked about once for each thing that it could be
def label(text: str, start: int) -> Label:
    """The nearest label before `start` in the same paragraph, or the head of its column in a table."""
    before = text[max(0, start - REACH) : start]
    found = _nearest(before[before.rfind("\n\n") + 1 :])
    if found.name is not None and found.direct:
        return found
    head = _column_head(text, start)
    return head if head is not None else found


def _nearest(before: str) -> Label:
    if ">" in before:
        before = _OWN.sub(lambda own: " " * len(own[0]), before)
    if _ONE_LETTER.search(before, max(0, len(before) - 6)):
        return Label("phone", True)
    name, _start, end = _last_label(before)
    if name is None:
        return _UNLABELLED
    rest = before[end:]
    if _VALUE_BETWEEN.search(rest):
        return Label(name, False)
    if name == "order":
        key = _OWN_KEY.search(before)
        if key is not None and key.start() >= end and "\n" not in rest:
            return _UNLABELLED
    return Label(name, True)


def _last_label(text: str) -> tuple[str | None, int, int]:
    """The last label in some words, with its place; (None, 0, 0) where there is none."""
    found: tuple[str | None, int, int] = (None, 0, 0)
    if not text.isascii():
        for match in _HANGUL.finditer(text):
            found = (match.lastgroup, *match.span())
    words = [match.span() for match in _WORD.finditer(text, found[1])]
    for number in range(len(words) - 1, -1, -1):
        start, end = words[number]
        if end <= found[2]:
            break
        word = text[start:end].lower()
        if word in _LAST_WORDS:
            for first in range(max(0, number - _LONGEST + 1), number):
                phrase = text[words[first][0] : end].lower().replace("_", " ").replace("-", " ")
                if phrase in _LATIN:
                    return _LATIN[phrase], words[first][0], end
        if word in _LATIN:
            return _LATIN[word], start, end
    return found


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
    name, _, _ = _last_label(cell)
    return Label(name, True) if name is not None else None


def as_context(name: str) -> str:
    """What to read before the value of a field with this name: `phone: `, or '' where the name says nothing."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").strip()
    return f"{words}: " if words and (_last_label(words)[0] or _OTHER_LABEL.search(words)) else ""


_OTHER_LABEL = re.compile(
    r"birth|born|dob|생년월일|생일|출생|passw|passcode|pwd|secret|token|api ?key|credential|비밀번호|비번|암호"
    r"|telegram|kakao|instagram|twitter|discord|skype|wechat|카톡|텔레그램|아이디|post ?code|name|성명|이름|예금주|주소"
    r"|address|plate|nino|national insurance|author|customer|recipient|sender",
    re.IGNORECASE,
)
