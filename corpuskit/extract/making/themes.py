"""Korean pages of our own: prose that the caller brings, rendered as the platforms of Korea mark up their pages.

A theme is a skeleton (blog, news, café, board, questions, authority, shop, wiki) that is dressed anew for each page:
names of classes, depth, order, what stands around, how paragraphs and line breaks are written. The true text of a page
is what was put into it; everything else on the page is boilerplate.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_SURNAMES = "김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍".split()
_GIVEN = "가온 나래 다솜 도담 라온 마루 바다 보람 새봄 소담 아라 여울 은별 자람 찬솔 하람 한결 해든 슬기 누리".split()
_SITES = "섬마을 한들 새벽 강변 너른들 푸른솔 온새미 도란 다온 가람 미리내 늘봄".split()
_SECTIONS = (
    "정치 경제 사회 문화 국제 스포츠 연예 오피니언 지역 IT 과학 생활 건강 여행 자동차 부동산 증권 교육 포토 영상 홈 전체글 인기글 "
    "자유게시판 질문답변 정보 공지사항 유머 갤러리 장터 강좌 자료실 출석부 가입인사 일상 리뷰 맛집 개발 독서 사진 육아 영화 음악"
).split()
_NICKS = (
    "푸른고래 달리는곰 커피두잔 새벽세시 느린걸음 초코송이 바람의언덕 노란우산 하늘다람쥐 밤비 산책자 동네주민 익명 "
    "ㅇㅇ 구름빵 감자튀김 일요일오후 고양이발 라면먹자 무지개떡"
).split()
_MORE = (
    "로그인 회원가입 검색 전체메뉴 마이페이지 고객센터 장바구니 구독하기 알림 이벤트 공지 글쓰기 목록 이전글 다음글 맨위로 "
    "바로가기 더보기 신고 공유하기 스크랩 인쇄 댓글쓰기 추천 비추천 좋아요 팔로우 이웃추가 URL복사 글자크기 가 본문듣기"
).split()
_HASH = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True)
class Made:
    """A page of our own."""

    theme: str
    type: str
    """article, forum, product, service, documentation: the page types of the models."""
    html: str
    text: str
    """The true text."""


@dataclass
class _Page:
    """A page while it is written: what is content is noted as it is put in."""

    random: random.Random
    paragraphs: Sequence[str]
    sentences: Sequence[str]
    truth: list[str] = field(default_factory=list)

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def sentence(self) -> str:
        return self.random.choice(self.sentences)

    def short(self, longest: int = 28) -> str:
        return self.sentence()[: self.random.randint(8, longest)].strip()

    def name(self) -> str:
        return self.random.choice(_SURNAMES) + self.random.choice(_GIVEN)

    def nick(self) -> str:
        return self.random.choice(_NICKS) + (str(self.random.randint(1, 999)) if self.chance(0.3) else "")

    def date(self) -> str:
        year, month, day = self.random.randint(2008, 2026), self.random.randint(1, 12), self.random.randint(1, 28)
        hour, minute = self.random.randint(0, 23), self.random.randint(0, 59)
        return self.one(
            f"{year}.{month:02}.{day:02} {hour:02}:{minute:02}", f"{year}-{month:02}-{day:02}", f"{year}.{month}.{day}.",
            f"{year}년 {month}월 {day}일", f"{year}.{month:02}.{day:02}. {hour:02}:{minute:02}:00", f"{month:02}.{day:02}",
            f"{self.random.randint(2, 23)}시간 전", f"{year}.{month:02}.{day:02} 오후 {hour % 12 + 1}:{minute:02}",
        )  # fmt: skip

    def classes(self, *names: str) -> str:
        """A class attribute: one of the names, perhaps hashed, prefixed or with others."""
        name = self.random.choice(names)
        way = self.random.random()
        if way < 0.12:
            return f' class="{"".join(self.random.choices(_HASH, k=6))}"'
        if way < 0.2:
            return f' class="{name}_{"".join(self.random.choices(_HASH, k=5))}"'
        if way < 0.26:
            return ""
        if way < 0.34:
            return f' class="{self.one("m", "pc", "ui", "c", "wrap", "v2", "sub")}-{name}"'
        if way < 0.42:
            return f' id="{name}"'
        if way < 0.5:
            return f' class="{name} {self.one("clearfix", "on", "fl", "mt20", "col-md-9", "inner", "cf")}"'
        return f' class="{name}"'

    def wrapped(self, inner: str, most: int = 4) -> str:
        for _ in range(self.random.randint(0, most)):
            inner = f"<div{self.classes('wrap', 'inner', 'container', 'contents', 'layout', 'box', 'row', 'area')}>{inner}</div>"
        return inner

    def inline(self, text: str) -> str:
        """Text as markup, with inline elements around words and syllables here and there."""
        text = html.escape(text, quote=False)
        if not self.chance(0.35):
            return text
        pieces = text.split(" ")
        for _ in range(self.random.randint(1, 3)):
            place = self.random.randrange(len(pieces))
            tag = self.one("b", "strong", "span", "em", "a", "u", "span")
            attributes = {"a": ' href="/x"', "span": ' style="color:#333"'}.get(tag, "")
            word = pieces[place]
            if "<" not in word and "&" not in word and word:
                cut = self.random.randint(1, len(word))
                pieces[place] = f"<{tag}{attributes}>{word[:cut]}</{tag}>{word[cut:]}"
        return " ".join(pieces)

    def body(self, most: int = 14, rich: bool = True) -> str:
        """The content of an article, noted as truth."""
        count = self.random.choice((1, 2, 3, 4, 6, 8, 10, most))
        count = min(count, most)
        first = self.random.randrange(max(1, len(self.paragraphs) - count))
        parts = list(self.paragraphs[first : first + count])
        style = self.one("p", "p", "p", "div", "br", "spanp", "brbr", "se")
        out = []
        for number, part in enumerate(parts):
            self.truth.append(part)
            text = self.inline(part)
            if style == "p":
                out.append(f"<p>{text}</p>" + ("<p>&nbsp;</p>" if self.chance(0.2) else ""))
            elif style == "div":
                out.append(f"<div>{text}</div>")
            elif style == "br":
                out.append(text.replace(". ", ".<br>", 1) + "<br><br>")
            elif style == "brbr":
                out.append(text + "<br/>\n<br/>\n")
            elif style == "spanp":
                out.append(f'<p style="text-align: justify;"><span style="font-size: 12pt;">{text}</span></p>')
            else:
                out.append(
                    '<div class="se-component se-text se-l-default"><div class="se-component-content"><div class="se-section '
                    'se-section-text se-l-default"><div class="se-module se-module-text"><p class="se-text-paragraph '
                    f'se-text-paragraph-align-"><span class="se-fs- se-ff-nanumgothic">{text}</span></p></div></div></div></div>'
                )
            if rich and number < len(parts) - 1:
                out.append(self.extra())
        return "".join(out)

    def extra(self) -> str:
        """Now and then a heading, list, table, quotation, code or picture of the content."""
        way = self.random.random()
        if way < 0.1:
            heading = self.short()
            self.truth.append(heading)
            tag = self.one("h2", "h3", "h3", "h4", "p><b", "p><strong")
            return f"<{tag}>{html.escape(heading)}</{'></'.join(reversed(tag.split('><')))}>"
        if way < 0.18:
            items = [self.short(40) for _ in range(self.random.randint(2, 7))]
            self.truth.extend(items)
            tag = self.one("ul", "ol")
            return f"<{tag}>" + "".join(f"<li>{self.inline(item)}</li>" for item in items) + f"</{tag}>"
        if way < 0.22:
            rows = [[self.short(12), self.short(20)] for _ in range(self.random.randint(2, 6))]
            self.truth.extend(" ".join(row) for row in rows)
            cells = "".join(f"<tr><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>" for a, b in rows)
            return f"<table>{cells}</table>"
        if way < 0.26:
            quote = self.sentence()
            self.truth.append(quote)
            return f"<blockquote>{self.inline(quote)}</blockquote>"
        if way < 0.29:
            code = "def f(x):\n    return x + 1\n\nprint(f(3))"
            self.truth.append(code)
            return f"<pre><code>{code}</code></pre>"
        if way < 0.36:
            caption = self.short()
            with_caption = ""
            if self.chance(0.4):
                self.truth.append(caption)
                with_caption = f"<figcaption>{html.escape(caption)}</figcaption>"
            return f'<figure><img src="a.jpg" alt="">{with_caption}</figure>'
        if way < 0.41:
            return self.one(
                '<div class="ad_wrap"><ins class="adsbygoogle"></ins><p>광고</p></div>',
                f'<div{self.classes("link_news", "relation", "related")}><a href="/1">{self.short()}</a></div>',
                '<iframe src="https://video.example/1"></iframe>', "<hr>",
            )  # fmt: skip
        return ""

    # --- what stands around

    def links(self, count: int, *words: str, tag: str = "li") -> str:
        texts = [self.random.choice(words or _SECTIONS) for _ in range(count)]
        return "".join(f'<{tag}><a href="/{n}">{text}</a></{tag}>' for n, text in enumerate(texts))

    def header(self, site: str) -> str:
        bar = f"<ul>{self.links(self.random.randint(5, 16))}</ul>"
        top = self.links(self.random.randint(2, 5), *_MORE[:6], tag=self.one("li", "span", "div"))
        tag = self.one("header", "div", "div")
        nav = self.one("nav", "div", "div")
        search = '<form><input name=q placeholder="검색어"><button>검색</button></form>' if self.chance(0.6) else ""
        skip = '<div id="skip"><a href="#c">본문 바로가기</a></div>' if self.chance(0.4) else ""
        return (
            f"{skip}<{tag}{self.classes('header', 'head', 'top', 'hd')}><h1{self.classes('logo')}><a href=/>{site}</a></h1>"
            f"<div{self.classes('util', 'member', 'tnb')}>{top}</div>{search}"
            f"<{nav}{self.classes('gnb', 'nav', 'lnb', 'menu')}>{bar}</{nav}></{tag}>"
        )

    def footer(self, site: str) -> str:
        links = self.links(
            self.random.randint(3, 7),
            "회사소개",
            "이용약관",
            "개인정보처리방침",
            "청소년보호정책",
            "광고문의",
            "제휴문의",
            "사이트맵",
            "고객센터",
        )
        company = (
            f"(주){site} | 대표 : {self.name()} | 사업자등록번호 : {self.random.randint(100, 999)}-00-{self.random.randint(10000, 99999)} | "
            f"주소 : 서울시 가상구 {self.random.choice(_SITES)}로 {self.random.randint(1, 200)} | 전화 : 02-000-0000"
        )
        tag = self.one("footer", "div", "div")
        return (
            f"<{tag}{self.classes('footer', 'foot', 'ft', 'bottom')}><ul>{links}</ul><p>{company}</p>"
            f"<p>Copyright © {site}. All rights reserved.{self.one('', ' 무단전재 및 재배포 금지')}</p></{tag}>"
        )

    def titles(self, heading: str, *names: str, count: int | None = None) -> str:
        """A list of other pages: their titles, perhaps with dates, counts and pictures."""
        count = count or self.random.randint(3, 12)
        extras = self.random.random()
        items = []
        for number in range(count):
            rest = (
                f"<span>{self.date()}</span>"
                if extras < 0.4
                else f"<em>[{self.random.randint(1, 90)}]</em>"
                if extras < 0.6
                else ""
            )
            rank = f"<em>{number + 1}</em>" if extras > 0.85 else ""
            text = html.escape(self.short(34 if extras < 0.9 else 80))
            items.append(f'<li>{rank}<a href="/{number}">{text}</a>{rest}</li>')
        tag = self.one("h2", "h3", "h4", "strong", "div", "p")
        box = self.one("div", "section", "aside", "div")
        return f"<{box}{self.classes(*names)}><{tag}>{heading}</{tag}><ul>{''.join(items)}</ul></{box}>"

    def side(self) -> str:
        parts = []
        for heading, name in (
            ("많이 본 뉴스", "ranking"), ("인기글", "hot_list"), ("최신글", "recent"), ("실시간 베스트", "best"), ("카테고리", "category"),
            ("최근 댓글", "recent_comment"), ("공지사항", "notice"),
        ):  # fmt: skip
            if self.chance(0.35):
                parts.append(self.titles(heading, name, "widget", "aside_box", "side_list"))
        if self.chance(0.3):
            parts.append(
                f"<div{self.classes('counter', 'visit')}>전체 방문자 {self.random.randint(100, 99999)} 오늘 12 어제 34</div>"
            )
        tag = self.one("aside", "div", "div")
        return (
            f"<{tag}{self.classes('sidebar', 'aside', 'side', 'right', 'snb')}>{''.join(parts)}</{tag}>"
            if parts
            else ""
        )

    def share(self) -> str:
        words = self.random.sample(
            (
                "공유하기",
                "페이스북",
                "트위터",
                "카카오톡",
                "밴드",
                "URL복사",
                "인쇄",
                "스크랩",
                "글자크기",
                "신고하기",
                "좋아요 3",
            ),
            5,
        )
        tag = self.one("li", "span", "button", "a")
        items = "".join(f"<{tag}{' href=#' if tag == 'a' else ''}>{word}</{tag}>" for word in words)
        return f"<div{self.classes('sns', 'share', 'btn_area', 'util', 'tool', 'postbtn')}>{items}</div>"

    def meta(self, *roles: str) -> str:
        parts = [
            self.one(self.name(), self.nick()),
            self.date(),
            f"조회 {self.random.randint(3, 90000)}",
            f"댓글 {self.random.randint(0, 99)}",
        ]
        if self.chance(0.5):
            parts.append(f"추천 {self.random.randint(0, 300)}")
        self.random.shuffle(parts)
        tag = self.one("span", "li", "em", "dd", "div")
        items = "".join(f"<{tag}{self.classes('date', 'name', 'hit', 'nick', 'info')}>{part}</{tag}>" for part in parts)
        return f"<div{self.classes('info', 'meta', 'writer_info', 'article_info', *roles)}>{items}</div>"

    def heading(self, title: str) -> str:
        tag = self.one("h1", "h2", "h3", "div", "h2", "p", "strong")
        self.truth.append(title)
        return f"<{tag}{self.classes('title', 'tit', 'subject', 'tit_view', 'article_title', 'title_text', 'se-title-text')}>{html.escape(title)}</{tag}>"

    def comments(self, is_content: bool, least: int = 0) -> str:
        """Comments of readers with nested replies; their texts are truth where they are what the page is for."""
        count = self.random.choice((0, 1, 3, 6, 12, 25))
        count = max(count, least)
        if not count:
            return (
                f"<div{self.classes('comment', 'reply')}><p>등록된 댓글이 없습니다.</p></div>"
                if self.chance(0.4)
                else ""
            )
        item, text, nick = (
            self.one("li", "div", "article", "tr"),
            self.one("p", "div", "span", "div"),
            self.one("span", "strong", "a", "em"),
        )
        names = [
            self.classes(
                "comment_list",
                "cmt_list",
                "reply_list",
                "fdb_lst_ul",
                "u_cbox_list",
                "list_comment",
                "bo_vc",
                "re_list",
            ),
            self.classes(
                "comment", "cmt", "reply", "comment_row", "CommentItem", "u_cbox_comment", "comment_element", "item"
            ),
            self.classes(
                "comment_text_view",
                "usertxt",
                "cmt_contents",
                "xe_content",
                "text_comment",
                "comment_view",
                "text",
                "u_cbox_contents",
                "txt",
                "memo",
            ),
            self.classes("nick", "nickname", "name", "member", "u_cbox_nick", "writer"),
            self.classes("date", "time", "u_cbox_date", "date_time"),
        ]
        nested = self.classes("re", "reply_list", "depth2", "child", "nested")
        out, depth = [], 0
        for _ in range(count):
            said = " ".join(self.sentence() for _ in range(self.random.choice((1, 1, 1, 2, 3))))
            if self.chance(0.2):
                said = self.one(
                    "ㅋㅋㅋ",
                    "감사합니다!",
                    "추천합니다",
                    "저도 궁금하네요",
                    "좋은 정보 감사합니다",
                    "ㅠㅠ 그러게요",
                    said,
                )
            if is_content:
                self.truth.append(said)
            name = f"<{nick}{names[3]}>{self.nick()}</{nick}>"
            when = f"<span{names[4]}>{self.date()}</span>"
            buttons = self.one(
                "",
                "<button>답글</button><button>신고</button>",
                '<a href="#">답글달기</a><a href="#">추천 3</a>',
                "<span>공감 2 비공감 0</span>",
            )
            inner = f"<div>{name}{when}</div><{text}{names[2]}>{self.inline(said)}</{text}>{buttons}"
            if item == "tr":
                inner = f"<td>{name}</td><td><{text}{names[2]}>{self.inline(said)}</{text}></td><td>{when}</td>"
            elif self.chance(0.25) and depth < 2 and item != "article":
                inner = f"<div{nested}>{inner}</div>"
            out.append(f"<{item}{names[1]}>{inner}</{item}>")
        box = {"li": "ul", "tr": "table"}.get(item, "div")
        total = f"<{self.one('h3', 'div', 'strong', 'h4')}>{self.one('댓글', '전체 댓글', 'Comments', '의견')} {self.one('', f'<em>{count}</em>개')}</{'div'}>"
        form = self.one(
            "", '<form><textarea placeholder="댓글을 입력하세요"></textarea><button>등록</button><p>0/400자</p></form>',
            "<div>로그인 후 댓글을 작성할 수 있습니다.</div>", "<p>타인의 권리를 침해하거나 명예를 훼손하는 댓글은 제재를 받을 수 있습니다.</p>",
        )  # fmt: skip
        first = self.chance(0.3)
        return f"<div{self.classes('comment_area', 'comments', 'view_comment', 'CommentBox', 'reply_area', 'cmt')}>{total}{form if first else ''}<{box}{names[0]}>{''.join(out)}</{box}>{'' if first else form}</div>"

    def table_of_posts(self) -> str:
        rows = "".join(
            f'<tr><td>{90 - n}</td><td><a href="/{n}">{html.escape(self.short(36))}</a> [{n}]</td><td>{self.nick()}</td><td>{self.date()}</td><td>{n * 7}</td></tr>'
            for n in range(self.random.randint(5, 25))
        )
        return f"<table{self.classes('board_list', 'gall_list', 'list', 'bbs')}><tr><th>번호</th><th>제목</th><th>글쓴이</th><th>작성일</th><th>조회</th></tr>{rows}</table>"


def _blog(page: _Page) -> str:
    title = page.short(40)
    head = page.heading(title) + page.meta("blog_author", "post_info")
    content = f"<div{page.classes('se-main-container', 'contents_style', 'tt_article_useless_p_margin', 'entry-content', 'article_view', 'wrap_body', 'markdown-body', 'post-content', 'article', 'postViewArea')}>{page.body()}</div>"
    after = [page.share()]
    if page.chance(0.6):
        after.append(
            page.titles(
                f"'{page.random.choice(_SECTIONS)}' 카테고리의 다른 글",
                "another_category",
                "area_related",
                "category_list",
            )
        )
    if page.chance(0.5):
        tags = "".join(f'<a href="/t{n}">#{page.random.choice(_SECTIONS)}</a> ' for n in range(6))
        after.append(
            f"<div{page.classes('area_tag', 'tags', 'post_tag', 'wrap_keyword')}>{page.one('', '태그')}{tags}</div>"
        )
    if page.chance(0.4):
        after.append(
            f"<div{page.classes('profile', 'author', 'blogger')}><strong>{page.nick()}</strong><p>{page.short(40)}</p><button>구독하기</button></div>"
        )
    if page.chance(0.5):
        after.append(page.comments(False))
    if page.chance(0.4):
        after.append(
            f"<div{page.classes('floating', 'quick_menu', 'float_menu')}><a href=#>TOP</a><a href=#>이전글</a><a href=#>다음글</a><button>메뉴</button></div>"
        )
    if page.chance(0.3):
        after.append('<iframe src="/comment.nhn"></iframe>')
    return page.wrapped(
        f"<{'article'}{page.classes('post', 'area_view', 'entry', 'blogview_content')}>{head}{content}{''.join(after)}</article>"
    )


def _news(page: _Page) -> str:
    title = page.short(44)
    head = page.heading(title)
    if page.chance(0.4):
        subtitle = page.short(60)
        page.truth.append(subtitle)
        head += f"<{page.one('h3', 'p', 'div', 'strong')}{page.classes('subtitle', 'sub_tit', 'summary')}>{html.escape(subtitle)}</{'h3'}>"
    reporter = page.name()
    meta = f"<div{page.classes('info', 'infomation', 'byline', 'article_info', 'news_info')}><ul><li>{reporter} 기자</li><li>{page.one('입력', '승인', '등록', '기사입력')} {page.date()}</li><li>{page.one('', '수정 ')}{page.date()}</li></ul></div>"
    tag = page.one("article", "div", "div")
    content = f"<{tag}{page.classes('article-view-content-div', 'article_body', 'newsct_article', 'dic_area', 'news_body', 'articleBody', 'article_txt', 'story-news', 'view_con', 'article_view')}{page.one('', ' itemprop=articleBody')}>{page.body()}"
    sign = page.one(
        f"<p>{reporter} 기자 {page.one('reporter', 'kim', 'desk')}@news.example</p>", f"<div class=byline>{reporter} 기자</div>",
        f"<p>[{page.random.choice(_SITES)}신문={reporter} 기자]</p>", f"{reporter}기자 abc@def.example<br>",
        "<p>▶ 제보는 카카오톡 @news</p>", "",
    )  # fmt: skip
    rights = page.one(
        f"<p{page.classes('copyright', 'view-copyright')}>저작권자 © {page.random.choice(_SITES)}신문 무단전재 및 재배포 금지</p>",
        "<div>Copyright ⓒ All rights reserved. 무단 전재, 재배포 및 AI학습 이용 금지</div>", "",
    )  # fmt: skip
    inside = page.chance(0.5)
    content += (sign + rights if inside else "") + f"</{tag}>" + ("" if inside else sign + rights)
    after = [page.share()]
    for heading, name in (
        ("관련기사", "related"),
        ("많이 본 기사", "ranking"),
        ("이 시각 주요뉴스", "headline"),
        ("추천뉴스", "recommend"),
        ("포토뉴스", "photo"),
    ):
        if page.chance(0.45):
            after.append(page.titles(heading, name, "box_news", "list_news"))
    if page.chance(0.5):
        after.append(page.comments(False))
    if page.chance(0.3):
        after.append(
            f"<div{page.classes('reporter', 'view-editors', 'journalist')}><strong>{reporter} 기자</strong><a href=#>구독</a><p>다른 기사 보기</p></div>"
        )
    return page.wrapped(
        f"<div{page.classes('article', 'view', 'news_view', 'content')}>{head}{meta}{page.share() if page.chance(0.5) else ''}{content}{''.join(after)}</div>"
    )


def _board(page: _Page) -> str:
    title = page.short(40)
    head = f"<div{page.classes('view_head', 'gallview_head', 'rd_hd', 'bo_v_title', 'ArticleTitle', 'post_subject')}>{page.heading(title)}{page.meta('view_info', 'bo_v_info', 'post_info')}</div>"
    content = f"<div{page.classes('write_div', 'bo_v_con', 'xe_content', 'rhymix_content', 'article_viewer', 'ContentRenderer', 'post_article', 'view_content', 'board_main_view', 'read_body', 'memo_content', 'se-main-container')}>{page.body(8)}</div>"
    if page.chance(0.3):
        content += f"<div{page.classes('signature', 'sign')}>{page.short()}</div>"
    votes = f"<div{page.classes('recommend', 'vote', 'btn_recommend_box')}><button>추천 {page.random.randint(0, 99)}</button><button>비추천 {page.random.randint(0, 9)}</button></div>"
    comments = page.comments(True)
    lower = (
        page.table_of_posts()
        if page.chance(0.5)
        else page.titles("목록", "list", "board_list")
        if page.chance(0.5)
        else ""
    )
    buttons = f"<div{page.classes('btn_area', 'bo_v_nb', 'prev_next')}>{page.links(4, '목록', '이전글', '다음글', '글쓰기', '답변')}</div>"
    if page.chance(0.1):  # tables all the way
        content = f"<table width=100%><tr><td>{head}</td></tr><tr><td>{content}</td></tr><tr><td>{votes}{comments}</td></tr></table>"
        head = votes = comments = ""
    return page.wrapped(
        f"<div{page.classes('board', 'view_wrap', 'bo_v', 'rd', 'article_wrap', 'ArticleContentBox', 'post_view')}>{head}{content}{votes}{page.share()}{buttons if page.chance(0.5) else ''}{comments}</div>{lower}"
    )


def _questions(page: _Page) -> str:
    question = f"<div{page.classes('question', 'endContentQuestion', 'c-heading', 'qna_q')}>{page.heading(page.short(40))}<div{page.classes('content', 'c-heading__content', 'questionDetail')}>{page.body(3, False)}</div>{page.meta()}</div>"
    name, inner = (
        page.classes("answer", "answer-content__item", "qna_a"),
        page.classes("answer-content", "se-main-container", "txt", "body"),
    )
    answers = [
        f"<div{name}><div{page.classes('profile', 'answerer')}><strong>{page.nick()}님 답변</strong><span>채택답변수 {page.random.randint(1, 900)}</span></div>"
        f"<div{inner}>{page.body(3, False)}</div><p>{page.date()}</p>{page.comments(True) if page.chance(0.2) else ''}</div>"
        for _ in range(page.random.randint(1, 5))
    ]
    return page.wrapped(question + "".join(answers) + page.titles("비슷한 질문", "related_question", "list"))


def _authority(page: _Page) -> str:
    title = page.short(40)
    page.truth.append(title)
    files = "".join(f'<a href="/f{n}">붙임{n}.hwp [{n * 31} KB]</a> ' for n in range(1, page.random.randint(2, 4)))
    head = f"<tr><th>제목</th><td colspan=3>{html.escape(title)}</td></tr><tr><th>작성자</th><td>{page.name()}</td><th>등록일</th><td>{page.date()}</td></tr><tr><th>첨부파일</th><td colspan=3>{files}</td></tr>"
    body = page.body(8)
    where = f"<div{page.classes('location', 'breadcrumb', 'path')}>홈 &gt; 소식 &gt; 보도자료</div><div{page.classes('lnb', 'snb')}><ul>{page.links(8)}</ul></div>"
    survey = f"<div{page.classes('satisfaction', 'survey', 'charge')}><p>이 페이지에서 제공하는 정보에 만족하십니까?</p><label>매우만족</label><label>만족</label><label>보통</label><label>불만</label><p>담당부서 : 홍보과 / 전화 : 02-000-0000</p></div>"
    if page.chance(0.5):
        view = f"<table{page.classes('board_view', 'bbsView', 'view')}>{head}<tr><td colspan=4{page.classes('view_cont', 'content', 'bbs_content')}>{body}</td></tr></table>"
    else:
        view = f"<table{page.classes('view_head', 'info')}>{head}</table><div{page.classes('view_cont', 'dbdata', 'con', 'bbs_content')}>{body}</div>"
    near = f"<ul{page.classes('prev_next', 'bbs_nav')}><li>이전글 <a href=/1>{html.escape(page.short())}</a></li><li>다음글 <a href=/2>{html.escape(page.short())}</a></li></ul><a href=/l>목록</a>"
    return page.wrapped(where + view + near + (survey if page.chance(0.6) else ""))


def _shop(page: _Page) -> str:
    title = page.short(30)
    price = f"{page.random.randint(3, 300)},000원"
    page.truth.append(price)
    specs = [
        (word, page.short(16))
        for word in page.random.sample(
            ("제조사", "원산지", "재질", "크기", "색상", "무게", "사용기한", "품질보증기준"), 4
        )
    ]
    options = "<select><option>옵션 선택</option><option>빨강</option></select><button>장바구니</button><button>구매하기</button><button>찜하기</button><p>무료배송 내일 도착</p>"
    head = f"<div{page.classes('product_info', 'prd_info', 'goods_info', 'headingArea')}>{page.heading(title)}<strong{page.classes('price', 'prc')}>{price}</strong>{options}</div>"
    body = f"<div{page.classes('detail', 'prd_detail', 'goods_detail', 'cont')}>{page.body(5)}</div>"
    page.truth.extend(" ".join(pair) for pair in specs)
    rows = "".join(f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in specs)
    reviews = page.comments(False)
    return page.wrapped(
        f"{head}<ul{page.classes('tab')}><li>상세정보</li><li>구매후기</li><li>상품문의</li></ul>{body}<table{page.classes('spec', 'prd_info')}>{rows}</table>{reviews}{page.titles('함께 본 상품', 'related', 'prd_list', 'recommend')}"
    )


def _wiki(page: _Page) -> str:
    parts = [page.heading(page.short(20))]
    for number in range(page.random.randint(2, 6)):
        heading = page.short(16)
        page.truth.append(heading)
        parts.append(f"<h2>{number + 1}. {html.escape(heading)}<span class=edit>[편집]</span></h2>{page.body(4)}")
    toc = f"<div{page.classes('toc')}><p>목차</p><ol>{page.links(5)}</ol></div>"
    sort = f"<div{page.classes('catlinks', 'wiki-category')}>분류: {page.links(4, tag='span')}</div>"
    return page.wrapped(parts[0] + f"<p>최근 수정 시각: {page.date()}</p>" + toc + "".join(parts[1:]) + sort)


_LAYOUTS = (
    "<main class=page-content><div class=wrapper><article class='post h-entry'><div class='post-content e-content'>%s</div></article></div></main>",
    "<main><article>%s</article></main>", "<main><content>%s</content></main>", "%s", "<article>%s</article>",
    "<div class=container-lg><article class=markdown-body>%s</article></div>", "<main>%s</main>", "<div class=post>%s</div>",
    "<div class=document><div class=documentwrapper><div class=bodywrapper><div class=body role=main><section>%s</section></div></div></div></div>",
    "<div id=page><div id=content><main><article><div class=entry-content>%s</div></article></main></div></div>",
    "<div id=body-container><div id=page-wrapper><div class=page><div id=content class=content><main>%s</main></div></div></div></div>",
    "<table width=100%%><tr><td>%s</td></tr></table>", "<div id=c>%s</div>", "<center><font>%s</font></center>", "<div><div><div>%s</div></div></div>",
)  # fmt: skip
_MISLEADING = (
    "menu-section", "informed-consent", "related-work", "cookie-dough", "promo-code", "banner-design", "social-history",
    "comment-on-method", "sharecropping", "breadcrumb-recipe", "footer-notes", "sidebar-story", "header-section", "nav-systems",
    "popup-book", "ad-hoc", "subscription-model", "tag-system",
)  # fmt: skip
_NAV = (
    "Home",
    "About",
    "Blog",
    "Archive",
    "Contact",
    "News",
    "Products",
    "Docs",
    "Search",
    "RSS",
    "Login",
    "Categories",
)


def _plain(page: _Page) -> str:
    """A page of a static site, short or long, whose lists and sections are content whatever their class is."""
    parts = []
    if page.chance(0.6):
        title = page.short(40)
        page.truth.append(title)
        parts.append(f"<h1>{html.escape(title)}</h1>")
    if page.chance(0.15):
        parts = []
        page.truth.clear()
        said = page.sentence()
        page.truth.append(said)
        tag = page.one("p", "div", "article", "p")
        parts.append(f"<{tag}>{page.inline(said)}</{tag}>")
    else:
        parts.append(page.body(10))
        for _ in range(page.random.randint(0, 3)):
            way = page.random.random()
            if way < 0.45:
                items = [page.short(page.random.choice((18, 60))) for _ in range(page.random.randint(2, 8))]
                linked = page.chance(0.35)
                rows = "".join(
                    f"<li>{f'<a href=/{n}>{html.escape(item)}</a>' if linked else page.inline(item)}</li>"
                    for n, item in enumerate(items)
                )
                tag = page.one("ul", "ol", "ul")
                lead = page.short(24) + ":"
                page.truth.extend([lead, *items])
                parts.append(
                    f"<p>{html.escape(lead)}</p><{tag}{page.one('', '', page.classes('wp-block-list', 'list', 'steps'))}>{rows}</{tag}>"
                )
            elif way < 0.7:
                heading, said = page.short(24), page.random.choice(page.paragraphs)
                page.truth.extend([heading, said])
                attribute = page.one("class", "id")
                tag = page.one("div", "section", "aside" if page.chance(0.2) else "section")
                parts.append(
                    f'<{tag} {attribute}="{page.random.choice(_MISLEADING)}"><h2>{html.escape(heading)}</h2><p>{page.inline(said)}</p></{tag}>'
                )
            elif way < 0.85:
                code = "def f(x):\n    if x:\n        return 1\n    return 2"
                page.truth.append(code)
                parts.append(f"<pre><code>{code}</code></pre>")
            else:
                said = page.random.choice(page.paragraphs)
                page.truth.append(said)
                parts.append(f"<p>{page.inline(said)}</p>")
        if page.chance(0.1):
            said = page.sentence()
            page.truth.append(said)
            parts.append(f"<footer class=article-footer><p>{page.inline(said)}</p></footer>")
        if page.chance(0.15):
            offer = page.one(
                "Subscribe now to continue reading this article for one pound a week.", "Sign up to read the rest of this story.",
                "이 기사는 구독자만 볼 수 있습니다. 지금 구독하고 계속 읽어 보세요.", "Already a member? Log in. Become a member to continue.",
            )  # fmt: skip
            parts.append(
                f"<div class={page.one('paywall', 'paywall', 'subscribe-wall', 'premium-offer')}><p>{offer}</p></div>"
            )
        if page.chance(0.1):
            parts.append(page.share())
    return page.random.choice(_LAYOUTS).replace("%%", "%").replace("%s", "".join(parts))


_THEMES = {
    "plain": (_plain, "article", 6),
    "blog": (_blog, "article", 5), "news": (_news, "article", 5), "board": (_board, "forum", 7),
    "questions": (_questions, "forum", 3), "authority": (_authority, "article", 2), "shop": (_shop, "product", 2),
    "wiki": (_wiki, "documentation", 1),
}  # fmt: skip


def made_pages(documents: Sequence[Sequence[str]], count: int, seed: int, themes: Sequence[str] = ()) -> Iterator[Made]:
    """`count` pages made of the paragraphs of `documents`, the same for the same seed. `themes` are all by default."""
    names = list(themes) or list(_THEMES)
    weights = [_THEMES[name][2] for name in names]
    sentences = [part for paragraphs in documents for text in paragraphs for part in _sentences(text)]
    for number in range(count):
        chosen = random.Random(f"{seed} {number}")
        theme = chosen.choices(names, weights)[0]
        render, kind, _ = _THEMES[theme]
        page = _Page(chosen, chosen.choice(documents), sentences)
        site = chosen.choice(_SITES) + page.one("닷컴", "신문", "카페", "일보", " 블로그", "넷")
        content = render(page)
        parts = [page.header(site), content, page.side()]
        if theme == "plain":
            words = _NAV if page.chance(0.5) else tuple(_SECTIONS)
            box = page.one("nav", "nav", "header", "div class=nav", "ul")
            bar = page.links(page.random.randint(1, 12), *words, tag=page.one("li", "span") if box != "ul" else "li")
            parts[0] = f"<{box}>{bar}</{box.split()[0]}>" if page.chance(0.8) else ""
            parts[2] = page.side() if page.chance(0.15) else ""
        elif page.chance(0.3):
            parts[1], parts[2] = parts[2], parts[1]
        middle = page.wrapped(parts[1] + parts[2], 2)
        late = (
            "<div class=layer_popup style='display:none'><p>로그인이 필요합니다.</p><button>확인</button></div>"
            if page.chance(0.3)
            else ""
        )
        body = (
            parts[0]
            + middle
            + late
            + (
                page.one(
                    f"<footer>(c) 2024 {site}</footer>",
                    "<footer><p>Powered by a static site</p></footer>",
                    page.footer(site),
                    "",
                )
                if theme == "plain"
                else page.footer(site)
                if page.chance(0.9)
                else ""
            )
        )
        head = f"<meta charset=utf-8><title>{html.escape(page.short())} - {site}</title><style>.a{{b:c}}</style><script>var a=1;</script>"
        yield Made(
            theme,
            kind,
            f'<!doctype html><html lang="ko"><head>{head}</head><body>{body}</body></html>',
            "\n".join(page.truth),
        )


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+", text) if 12 <= len(part.strip()) <= 160]


def read_prose(paths: Sequence[Path]) -> list[list[str]]:
    """Paragraphs of Korean prose, a list a document: Markdown files without code and tables, JSON lines with `text`."""
    import json

    documents = []
    for path in paths:
        if path.suffix == ".md":
            text = re.sub(
                r"```.*?```|<[^>]+>|^---.*?^---|\{/\*.*?\*/\}|\{#[^}]*\}",
                "",
                path.read_text(encoding="utf-8"),
                flags=re.S | re.M,
            )
            texts = [text]
        else:
            texts = [
                str(json.loads(line).get("text") or json.loads(line).get("content") or "")
                for line in path.open(encoding="utf-8")
            ]
        for text in texts:
            parts = [re.sub(r"[*_`#>\[\]]|\([^)]*\)|!", "", part).strip() for part in re.split(r"\n\s*\n|\\n|\n", text)]
            paragraphs = [" ".join(part.split()) for part in parts if len(part) >= 20 and re.search("[가-힣]{2}", part)]
            if paragraphs:
                documents.append(paragraphs)
    return documents
