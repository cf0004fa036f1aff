"""People in Korean texts, by rules over Kiwi's morphemes and dictionaries; nothing is trained.

Five forms are read: a whole name that the dictionary has as somebody's (틴토 브라스), a letter or a surname before a
title (A씨, 김모(33)씨, 박 전 장관), a Korean full name, a proper noun of two syllables that is a given name or a short
full name, and a run of words that stand in people's names (조니 뎁, 브래드피트) or beside a title. What stands in
Chinese characters in brackets after one is the same person's name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpuskit.privacy.detect.words import words
from corpuskit.privacy.finding import Candidate
from corpuskit.privacy.names.korean import Morpheme, is_common_noun, morphemes, pieces
from corpuskit.privacy.names.lexicon import Lexicon, lexicon
from corpuskit.privacy.names.odds import hangul

SCORE = 0.87
"""The share of right ones that was measured; see docs/personal-data.md."""
_LETTER = re.compile(
    r"(\((?:\d|여|남|고|중|초)[^)]*\)|모)? ?"
    r"(씨|군|양|모|여성|남성|경|상병|일병|병장|이병|중사|하사|원사|대위|대령|교사|교수|부장|대표|의원)"
)
"""What follows a letter that stands for a person: A씨, A(44)씨."""
_SURNAME = re.compile(
    r"(모|씨)[ (씨군양에의는가를와]|"
    r" (전 |당선|부)?(총괄회장|부회장|회장|차관|장관|위원장|대통령|선관위원장|당선인|총장|의원|대표|감독|후보|경위|경감"
    r"|경사|교수|병장|상병|일병|이병|하사|중사|원장|부장|검사|판사|변호사|기자|선수|시장|지사|총재|비서관|실장|국장)"
)
"""What follows a surname alone: 김모씨, 박 전 장관."""
_BETWEEN = frozenset(["", " ", "·", "-", "."])
"""What may stand between two parts of a transliterated name."""
_HANJA = re.compile(r" ?\(([\u4e00-\u9fff]{2,5})[),]")
_SEPARATORS = re.compile(r"[ ·.-]")
_PARTICLES = frozenset("이가은는을를의와과도만랑씨형")
_ROLES = frozenset(["배우", "가수", "감독", "탤런트", "개그맨", "작가", "주연", "여배우", "기자"])
_ADDRESS = frozenset(["씨", "양", "군", "옹", "여사", "배우", "님"])
_MAY_BEGIN = frozenset(["NNP", "NNG", "MM", "XPN", "IC", "MAG", "VV", "NR", "NNB"])
_NOMINAL = frozenset(["NNP", "NNG", "NNB", "MM", "XPN", "XSN", "IC", "SL"])
_VERBAL = frozenset(["XSV", "XSA", "VCP", "EF"])


def korean_people(texts: Sequence[str]) -> list[list[Candidate]]:
    """The people in Korean texts. Raises MissingExtra where kiwipiepy is not installed."""
    found: list[list[Candidate]] = [[] for _ in texts]
    parts = [(number, start, piece) for number, text in enumerate(texts) for start, piece in pieces(text)]
    for (number, offset, text), row in zip(parts, morphemes([piece for _, _, piece in parts]), strict=True):
        found[number] += [Candidate(offset + a, offset + b, "person", SCORE) for a, b in _Reader(text, row).people()]
    return found


class _Reader:
    """Reads one piece of text from left to right."""

    def __init__(self, text: str, row: list[Morpheme]) -> None:
        self.text, self.row = text, row
        self.lexicon: Lexicon = lexicon()
        self.titles = words("korean_titles")
        self.not_people = words("korean_provinces") | words("korean_districts") | words("korean_not_people")

    def people(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        at = 0
        while at < len(self.row):
            forms = (self._glued, self._whole, self._before_title, self._full_name, self._alone, self._joined)
            ends = next((end for form in forms if (end := form(at))), None)
            if ends:
                found.append((self.row[at].start, ends))
                if hanja := _HANJA.match(self.text, ends):
                    found.append(hanja.span(1))
                    ends = hanja.end(1)
                while at < len(self.row) and self.row[at].start < ends:
                    at += 1
            elif self._may_be_part(at):
                at = self._run(at, found)
            else:
                at += 1
        return found

    def _spaced(self, at: int) -> bool:
        start = self.row[at].start
        return start == 0 or not self.text[start - 1].isalnum()

    def _next(self, at: int) -> Morpheme | None:
        return self.row[at + 1] if at + 1 < len(self.row) else None

    def _glued(self, at: int) -> int | None:
        """The end of a name that Kiwi does not know and took together with its particle (강수연도)."""
        item, lexicon = self.row[at], self.lexicon
        word = self.text[item.start : item.end]
        base = word[:-1]
        if item.tag not in ("NNP", "NNG") or not 3 <= len(word) <= 6 or word[-1] not in _PARTICLES:
            return None
        if not self._spaced(at) or base in self.not_people or is_common_noun(word):
            return None
        if word in lexicon.titles or lexicon.people[word] or lexicon.others[word] or lexicon.full_name(word) >= 3:
            return None
        part = lexicon.people[base] >= 5 and len(base) >= 2 and lexicon.part_of_a_name(base)
        named = part or lexicon.full_name(base) >= 3 or base in lexicon.humans or lexicon.alone(base)
        return item.end - 1 if named else None

    def _whole(self, at: int) -> int | None:
        """The end of the longest name of somebody in the dictionary that begins here (조니 뎁, 조니뎁)."""
        if self.row[at].tag not in _MAY_BEGIN or not self._spaced(at):
            return None
        start, ends = self.row[at].start, None
        for last in range(at, min(at + 7, len(self.row))):
            item = self.row[last]
            apart = last > at and self.text[self.row[last - 1].end : item.start] not in _BETWEEN
            if apart or item.tag[0] in "JEV":
                break
            word = _SEPARATORS.sub("", self.text[start : item.end])
            known = word in self.lexicon.humans and word not in self.lexicon.titles
            if known and item.tag[0] != "S" and self._ends_here(last):
                ends = item.end
        return ends

    def _before_title(self, at: int) -> int | None:
        item, after = self.row[at], self._next(at)
        word = self.text[item.start : item.end]
        if len(word) != 1 or not self._spaced(at):
            return None
        if item.tag == "SL":
            return item.end if word.isupper() and _LETTER.match(self.text, item.end) else None
        if word not in self.lexicon.surnames:
            return None
        spaced, former = self.text.startswith(" ", item.end), self.text.startswith(" 전 ", item.end)
        # 전 회장 is a former chairman, and 이 장관 as often this minister as a Mr Lee.
        if spaced and not former and (word == "전" or (word == "이" and item.tag != "NNP")):
            return None
        if _SURNAME.match(self.text, item.end):
            return item.end
        tagged = item.tag == "NNP" or (item.tag in ("MM", "NNG") and after is not None and after.form in ("씨", "모"))
        return item.end if tagged and after is not None and after.form in self.titles else None

    def _full_name(self, at: int) -> int | None:
        if self.row[at].tag not in _MAY_BEGIN or not self._spaced(at):
            return None
        for length in (4, 3):
            end = self.row[at].start + length
            last = next((i for i in range(at, min(at + 5, len(self.row))) if self.row[i].end == end), None)
            if last is not None and self._is_full_name(at, last):
                return end
        return None

    def _is_full_name(self, at: int, last: int) -> bool:
        item, inside, after = self.row[at], self.row[at : last + 1], self._next(last)
        word = self.text[item.start : self.row[last].end]
        sure = self.lexicon.full_name(word)
        if not sure or word in self.not_people or not (self._ends_here(last) or (last == at and sure >= 3)):
            return False
        titled = after is not None and after.form in self.titles
        if any(part.tag in _VERBAL for part in inside):
            return False
        if last > at:
            broken = any(part.tag[0] in "JE" for part in inside)
            if broken or sure < 3:
                return False
            return sure >= 4 or item.tag == "NNP" or (item.end - item.start == 1 and (item.tag != "MM" or titled))
        if item.tag != "NNP":
            return titled and sure >= 3 and not is_common_noun(word)
        return sure >= 2 or titled

    def _ends_here(self, last: int) -> bool:
        """Whether a name may end at a morpheme: a space, a sign, a particle or a title follows."""
        after = self._next(last)
        if after is None or after.start > self.row[last].end:
            return True
        return after.tag[0] in "JS" or after.tag in ("VCP", "XSN", "EC") or after.form in self.titles

    def _alone(self, at: int) -> int | None:
        item = self.row[at]
        word = self.text[item.start : item.end]
        if item.tag != "NNP" or word in self.not_people or not self._spaced(at):
            return None
        return item.end if self.lexicon.alone(word) and self._ends_here(at) else None

    def _joined(self, at: int) -> int | None:
        """The end of two parts of names without a space that Kiwi cut elsewhere (짐|캐리)."""
        if not self._spaced(at):
            return None
        start = self.row[at].start
        for last in range(min(at + 4, len(self.row) - 1), at, -1):
            word = self.text[start : self.row[last].end]
            if any(part.tag not in _NOMINAL for part in self.row[at : last + 1]):
                continue
            joined = self.lexicon.joined(word, 5) and word not in self.lexicon.titles and word not in self.not_people
            if joined and self._ends_here(last):
                return self.row[last].end
        return None

    def _may_be_part(self, at: int) -> bool:
        item = self.row[at]
        word = self.text[item.start : item.end]
        if item.tag == "NNP":
            return True
        return item.tag == "NNG" and len(word) >= 3 and self.lexicon.part_of_a_name(word) and not is_common_noun(word)

    def _run(self, at: int, found: list[tuple[int, int]]) -> int:
        """Adds the people in the run of proper nouns that begins here; returns where it ends."""
        end = at + 1
        while end < len(self.row) and self._goes_on(end):
            end += 1
        parts: list[tuple[int, int]] = []
        for item in self.row[at:end]:
            parts += [(item.start + m.start(), item.start + m.end()) for m in _word(self.text[item.start : item.end])]
        run: list[tuple[int, int, int]] = []
        for start, stop in [*parts, (0, 0)]:
            rank = self._rank(self.text[start:stop]) if stop else 0
            if rank:
                run.append((start, stop, rank))
                continue
            told = any(kind == 2 for _, _, kind in run) and (len(run) > 1 or self.row[at].tag == "NNP")
            if told or (run and start == stop and self._said_to_be(at, end)):
                found.append((run[0][0], run[-1][1]))
            run = []
        return end

    def _goes_on(self, at: int) -> bool:
        item = self.row[at]
        if self.text[self.row[at - 1].end : item.start] not in _BETWEEN:
            return False
        if item.tag == "NNP":
            return self._full_name(at) is None
        lexicon = self.lexicon
        named = lexicon.part_of_a_name(item.form) or lexicon.people[item.form] > lexicon.others[item.form]
        return item.tag in ("NNG", "SL") and item.form not in self.titles and named

    def _said_to_be(self, at: int, end: int) -> bool:
        """Whether the word before or after a run says that it is a person: 배우 X, X 감독."""
        after = end < len(self.row) and self.row[end].form in _ADDRESS
        before = at > 0 and self.row[at - 1].form in _ROLES
        return after or before

    def _rank(self, word: str) -> int:
        """2 for a word that makes a run a person, 1 for one that may stand in it, 0 for one that ends it."""
        people, others = self.lexicon.people[word], self.lexicon.others[word]
        if word in self.not_people:
            return 0
        if len(word) > 1 and (
            self.lexicon.part_of_a_name(word)
            or (self.lexicon.joined(word) and word not in self.lexicon.titles and others <= people)
        ):
            return 2
        unknown = not people + others and word not in self.lexicon.titles and len(word) > 1 and hangul(word)
        return 1 if unknown or people > others else 0


def _word(text: str) -> list[re.Match[str]]:
    return list(re.finditer(r"\S+", text))
