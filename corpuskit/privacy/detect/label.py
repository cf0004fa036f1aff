"""What the words before a number say that it is: `전화: `, `order no.`, `계좌 국민 `."""

from __future__ import annotations

import re
from functools import lru_cache

REACH = 40
"""Code points before a value in which its label is looked for."""

_LABELS = {
    "order": r"주문|송장|시리얼|바코드|모델|버전|품번|학번|사번|조회|누적|합계|금액|특허|법인등록"
    r"|(?:접수|예약|상품|문서|등기|허가|승인|출원|사건|관리|회원|제품|발행|일련|처리|접속|우편|청원) ?(?:번호|코드)"
    r"|(?<![A-Za-z])(?:orders?|tracking|invoice|ticket|isbn(?:-1[03])?|issn|doi|serial|model|version|ver"
    r"|barcode|article|pmid|part|sku|patent|reference|ref|case|build|commit|hash|issue|bug|upc|ean|gtin"
    r"|lot|batch|confirmation|receipt|timestamps?|total|population|revenue|catalog(?:ue)?)(?![A-Za-z])",
    "phone": r"전화|연락|휴대폰|핸드폰|폰번호|전번|폰|문의|☎|☏|📞|📱|팩스|카톡|문자|고객센터|콜센터|상담|대표번호"
    r"|내선|모바일|통화"
    r"|(?<![가-힣])(?:제|내|저희|우리) ?번호"
    r"|(?<![A-Za-z])(?:tel|telephone|tele|phones?|mobile|cell(?:phone)?|calls?|called|calling|fax|hp"
    r"|h\.p|whatsapp|ars|text me|dial|contact|(?:my|his|her|our|your|their) number"
    r"|(?:office|direct|home|desk|land) ?line|reach (?:me|us|him"
    r"|her)|sms|ring|ph|hotline|toll[- ]free)(?![A-Za-z])|(?<![A-Za-z'])[MTPHOF][.:] ?\(?\+?$",
    "account": r"계좌|입금|송금|이체|예금|은행|뱅크|농협|신협|수협|새마을금고|우체국|후원"
    r"|(?:국민|신한|우리|하나|기업|토스|카뱅|SC제일|씨티)(?= ?[:)]? ?$)"
    r"|(?<![A-Za-z])(?:(?:bank )?accounts?|acct|a/c|routing)(?![A-Za-z])",
    "card": r"카드|결제|(?<![A-Za-z])(?:credit|debit|cards?|visa|mastercard|amex|american express|jcb|discover"
    r"|diners|cc)(?![A-Za-z])",
    "resident": r"주민|외국인등록|등록번호|민번|생년월일|(?<![A-Za-z])(?:resident|rrn|registration)(?![A-Za-z])",
    "business": r"사업자(?: ?등록)?(?: ?번호)?|(?<![A-Za-z])business registration(?![A-Za-z])",
    "licence": r"면허|(?<![A-Za-z])(?:driver'?s?|licen[cs]e)(?![A-Za-z])",
    "taxpayer": r"(?<![A-Za-z])(?:ssns?|s\.s\.n|social security|itins?|tax(?:payer)? id\w*|tin)(?![A-Za-z])",
    "passport": r"여권|(?<![A-Za-z])passport(?![A-Za-z])",
}
_INITIALS = "A-Za-z" + "".join(sorted(set(re.findall("(?<![가-힣])[^\\x00-\\x7f]", "|".join(_LABELS.values())))))
"""A label begins with a letter or with one of these: a look at one character spares most places the hundred words."""
_LABEL = re.compile(
    f"(?=[{_INITIALS}])(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _LABELS.items()) + ")",
    re.IGNORECASE | re.ASCII,
)


def label(text: str, start: int) -> str | None:
    """The nearest label in the words before `start`, in the same paragraph: 'phone', 'account', "
    "'order', ... or None."""
    return _nearest(text[max(0, start - REACH) : start])


@lru_cache(maxsize=1024)  # a number is asked about once for each thing that it could be
def _nearest(before: str) -> str | None:
    name = None
    for match in _LABEL.finditer(before, before.rfind("\n\n") + 1):
        name = match.lastgroup
    return name


def as_context(name: str) -> str:
    """What to read before the value of a field with this name: `phone: `, or '' where the name says nothing."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").strip()
    return f"{words}: " if words and (_LABEL.search(words) or _OTHER_LABEL.search(words)) else ""


_OTHER_LABEL = re.compile(
    r"birth|born|dob|생년월일|생일|출생|passw|passcode|pwd|secret|token|api ?key|credential|비밀번호|비번|암호"
    r"|telegram|kakao|instagram|twitter|discord|skype|wechat|카톡|텔레그램|아이디|post ?code|name|성명|이름|예금주|주소"
    r"|address",
    re.IGNORECASE,
)
