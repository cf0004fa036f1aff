"""Words that authors of pages use in class names, and words that surround a page's content, by group.

The lists are our own. Class words are English, and romanised Korean as the platforms of Korea write it (gnb, lnb,
snb: the global, local and side navigation bars; cmt, repl: comments; tit, txt, cont: title, text, content).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from corpuskit.extract.tags import hash_table

KEYWORDS: Final[tuple[str, ...]] = tuple(
    "nav menu gnb lnb snb foot head side aside comment cmt reply repl relat recommend promo advert banner social "
    "share sns cookie consent crumb pagin pager content article post entry body main text txt title subject author "
    "writer byline date time meta info tag categor product goods price review rating card list item grid modal popup "
    "layer dialog widget newsletter subscri login member search desc summary spec detail feature hero faq question "
    "answer caption photo image profile toc quote signature user nick avatar vote thread message topic forum board "
    "bbs view copy legal util btn button link more prev next floating quick popular best latest recent tab accordion "
    "slide carousel gallery video contact form label cart shop skip print badge count paywall report editor tit "
    "section testimonial service".split()
)
"""At most 128: an element's keywords are bits of two 64-bit numbers."""
LONGEST: Final = max(map(len, KEYWORDS))
KEYWORD_KEYS, KEYWORD_VALUES = hash_table({word: number for number, word in enumerate(KEYWORDS)}, 10)
BEGINS: Final[npt.NDArray[np.bool_]] = np.zeros((26, 26), np.bool_)
"""bool[26, 26]: the first two letters of a keyword."""
for _word in KEYWORDS:
    BEGINS[ord(_word[0]) - 97, ord(_word[1]) - 97] = True

_GROUPS: Final[tuple[str, ...]] = (
    "share tweet facebook twitter email print whatsapp pinterest linkedin reddit copy 공유 페이스북 트위터 카카오톡 카카오스토리 "
    "인쇄 스크랩 밴드 url복사 북마크",
    "copyright reserved rights © ⓒ (c) 무단전재 무단 재배포 저작권자 저작권 copyrights ai학습",
    "cookie cookies privacy policy terms conditions gdpr 개인정보처리방침 개인정보 이용약관 약관 청소년보호정책 청소년 쿠키",
    "comment comments reply replies respond responses leave 댓글 답글 덧글 코멘트 답변 의견",
    "related recommended popular trending latest similar recent also likes might 관련 관련기사 인기 추천 최신 많이 다른 주요뉴스 "
    "실시간 랭킹 베스트 조회수",
    "subscribe newsletter sign signup login log register account logout join password 구독 로그인 회원가입 로그아웃 회원 비밀번호 "
    "아이디 가입",
    "by author posted published updated written edited editor 기자 작성자 작성일 입력 수정 등록 승인 글쓴이 등록일 닉네임 특파원",
    "ago min read views minutes hours days january february march april may june july august september october november "
    "december jan feb mar apr jun jul aug sep oct nov dec 조회 추천수 분전 시간전 일전 오전 오후",
    "previous next page first last older newer back top 이전 다음 이전글 다음글 목록 목록보기 맨위로 위로 글쓰기 전체 더보기 처음 끝",
    "menu home about contact search skip sitemap careers help support 홈 메뉴 검색 고객센터 사이트맵 회사소개 제휴문의 광고문의 "
    "공지사항 바로가기 본문 전체메뉴",
    "add cart buy price sale shipping stock wishlist quantity checkout order usd € £ $ 장바구니 구매 구매하기 배송 배송비 찜하기 할인 "
    "판매가 원 품절 상품문의",
    "reviews rating stars review verified helpful 리뷰 후기 별점 평점 상품평 구매평",
    "advertisement sponsored promoted ad ads advertise 광고 협찬 ad제휴",
    "like likes upvote vote votes points report flag 좋아요 공감 추천 비추천 신고 신고하기 싫어요 하트",
    "read more click here learn view see show 자세히 보기 펼치기 접기 더보기 열기 닫기 계속",
    "사업자등록번호 대표이사 발행인 편집인 등록번호 주소 전화 팩스 대표 통신판매업 대표번호 사업자 제호 발행일자 통신판매",
    "joined location messages posts threads member registered moderator topics 등급 레벨 포인트 가입일 방문 작성글 작성댓글",
)
GROUPS: Final = len(_GROUPS)
LONGEST_WORD: Final = max(len(word.encode()) for group in _GROUPS for word in group.split())
_BY_WORD: dict[str, int] = {}
for _number, _group in enumerate(_GROUPS):
    for _word in _group.split():
        _BY_WORD.setdefault(_word, _number)
WORD_KEYS, WORD_VALUES = hash_table(_BY_WORD, 12)
"""Groups of words by the hash of the word in lower case."""
