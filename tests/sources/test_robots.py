"""robots.txt, line by line: groups, paths, crawl-delay, content signals, sitemaps and the limit on its size."""

from __future__ import annotations

import pytest

from corpuskit.sources.crawl.policies import site_signals
from corpuskit.sources.crawl.robots import MAX_BYTES, Robots, shut_out


def parse(*lines: str) -> Robots:
    return Robots.parse("\n".join(lines).encode())


def forbidden(robots: Robots, path: str) -> str | None:
    rule = robots.forbids(f"https://a.org{path}")
    return None if rule is None else str(rule)


def test_without_rules_all_is_allowed() -> None:
    for robots in (parse(""), parse("User-agent: *"), parse("User-agent: *", "Crawl-delay: 3")):
        assert forbidden(robots, "/x") is None


def test_a_rule_that_no_user_agent_line_precedes_belongs_to_nobody() -> None:
    assert forbidden(parse("Disallow: /", "User-agent: *", "Disallow: /a"), "/x") is None


def test_the_group_that_names_the_crawler_counts_alone() -> None:
    robots = parse("User-agent: *", "Disallow: /a", "", "User-agent: corpuskit", "Disallow: /b")
    assert forbidden(robots, "/a") is None
    assert forbidden(robots, "/b") == "robots.txt line 5: Disallow: /b"


def test_without_such_a_group_the_one_for_everybody_counts() -> None:
    robots = parse("User-agent: otherbot", "Disallow: /a", "User-agent: *", "Disallow: /b")
    assert forbidden(robots, "/a") is None
    assert forbidden(robots, "/b") == "robots.txt line 4: Disallow: /b"


def test_the_product_is_matched_without_case() -> None:
    data = b"User-agent: GullBot\nDisallow: /a"
    assert Robots.parse(data, "gullbot").forbids("https://a.org/a")
    assert Robots.parse(data, "GULLBOT").forbids("https://a.org/a")
    assert Robots.parse(data, "gull").forbids("https://a.org/a") is None


def test_several_user_agents_share_the_rules_that_follow() -> None:
    robots = parse("User-agent: corpuskit", "User-agent: otherbot", "Disallow: /a", "User-agent: *", "Disallow: /b")
    assert forbidden(robots, "/a") == "robots.txt line 3: Disallow: /a"
    assert forbidden(robots, "/b") is None


def test_rules_end_a_list_of_user_agents_and_other_records_do_not() -> None:
    ended = parse("User-agent: corpuskit", "Disallow: /a", "User-agent: otherbot", "Disallow: /b")
    assert forbidden(ended, "/b") is None
    for record in ("Crawl-delay: 1", "Content-Signal: ai-train=no", "Sitemap: https://a.org/s.xml"):
        going_on = parse("User-agent: corpuskit", record, "User-agent: otherbot", "Disallow: /b")
        assert forbidden(going_on, "/b") == "robots.txt line 4: Disallow: /b"
    after_rule = parse("User-agent: corpuskit", "Disallow: /a", "Crawl-delay: 1", "User-agent: x", "Disallow: /b")
    assert forbidden(after_rule, "/b") is None


@pytest.mark.parametrize(
    ("lines", "delay"),
    [
        (["User-agent: *"], None),
        (["User-agent: *", "Crawl-delay: 2.5"], 2.5),
        (["User-agent: *", "Crawl-delay: 0"], 0.0),
        (["User-agent: *", "crawl delay: 2", "Crawl-delay: 7", "Crawl-delay: 3"], 7.0),
        (["User-agent: *", "Crawl-delay: -1", "Crawl-delay: inf", "Crawl-delay: nan", "Crawl-delay: soon"], None),
        (["User-agent: *", "Crawl-delay: soon", "Crawl-delay: 4"], 4.0),
        (["User-agent: *", "Crawl-delay: 9", "Allow: /", "User-agent: corpuskit", "Disallow: /a"], None),
        (["User-agent: corpuskit", "Crawl-delay: 2", "Allow: /", "User-agent: corpuskit", "Crawl-delay: 5"], 5.0),
        (["Crawl-delay: 2"], None),
    ],
)
def test_crawl_delay(lines: list[str], delay: float | None) -> None:
    assert parse(*lines).delay == delay


def test_content_signals_and_sitemaps() -> None:
    robots = parse(
        "Sitemap: https://a.org/one.xml",
        "User-agent: *",
        "Content-Signal: search=yes, ai-train=no",
        "Content-Signal: ai-input=no",
        "Disallow: /a",
        "Site-map: https://a.org/two.xml",
        "User-agent: other",
        "Disallow: /",
        "Content-Signal: search=no",
    )
    assert robots.signal == "content-signal: search=yes, ai-train=no; content-signal: ai-input=no"
    assert robots.sitemaps == ["https://a.org/one.xml", "https://a.org/two.xml"]
    assert parse("User-agent: *", "Disallow: /a").signal is None


def test_the_longest_rule_decides_and_is_named() -> None:
    robots = parse("User-agent: *", "Disallow: /a", "Disallow: /a/b", "Disallow: /a/b", "Allow: /a/b/c", "Disallow: /z")
    assert forbidden(robots, "/a/x") == "robots.txt line 2: Disallow: /a"
    assert forbidden(robots, "/a/b/x") == "robots.txt line 3: Disallow: /a/b"
    assert forbidden(robots, "/a/b/c/x") is None
    assert forbidden(robots, "/z") == "robots.txt line 6: Disallow: /z"
    assert forbidden(robots, "/a/b/x") == "robots.txt line 3: Disallow: /a/b"


def test_rules_of_several_groups_keep_their_line_numbers() -> None:
    robots = parse(
        "# first", "User-agent: corpuskit", "Disallow: /a", "", "User-agent: corpuskit", "disallow : /b # no"
    )
    assert forbidden(robots, "/a") == "robots.txt line 3: Disallow: /a"
    assert forbidden(robots, "/b") == "robots.txt line 6: Disallow: /b"


def test_what_is_cut_off_does_not_count_and_a_rule_is_never_cut_in_two() -> None:
    start, end = b"User-agent: *\nDisallow: /a\n#", b"\nDisallow: /b"
    assert MAX_BYTES == 500 * 1024
    fits = start + b"x" * (MAX_BYTES - len(start) - len(end)) + end
    assert len(fits) == MAX_BYTES
    assert forbidden(Robots.parse(fits), "/b")
    longer = start + b"x" * (MAX_BYTES - len(start) - len(end)) + end + b"c"
    assert forbidden(Robots.parse(longer), "/b") is None  # 'Disallow: /b' for '/bc' would forbid too much
    assert forbidden(Robots.parse(longer), "/a")
    whole = start + b"x" * (MAX_BYTES - len(start) - len(end) - 1) + end + b"\nDisallow: /c"
    assert forbidden(Robots.parse(whole), "/b")
    returns = whole.replace(b"\n", b"\r")
    assert forbidden(Robots.parse(returns), "/b")
    assert forbidden(Robots.parse(returns), "/c") is None


def test_bytes_that_are_no_text() -> None:
    robots = Robots.parse(b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /a\0b\r\n\xff\xfe\r\nDisallow: /c")
    assert forbidden(robots, "/c") == "robots.txt line 4: Disallow: /c"


def test_a_site_that_cannot_be_asked_forbids_all_and_says_why() -> None:
    robots = Robots.silent("robots.txt: HTTP status 503")
    assert forbidden(robots, "/") == "robots.txt: HTTP status 503"
    assert (robots.delay, robots.sitemaps, robots.signal) == (None, [], None)


def test_only_a_whole_star_means_everybody() -> None:
    assert forbidden(parse("User-agent: *bot*", "Disallow: /"), "/x") is None
    assert forbidden(parse("User-agent: * all", "Disallow: /"), "/x") == "robots.txt line 2: Disallow: /"
    assert forbidden(parse("User-agent:", "Disallow: /"), "/x") is None


def test_crawlers_for_training_that_a_robots_txt_names_and_shuts_out() -> None:
    robots = b"User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n\nUser-agent: ClaudeBot\nDisallow: /private\n"
    assert shut_out(robots, "https://a.org/x") == ["ccbot", "gptbot"]
    assert shut_out(robots, "https://a.org/private/x") == ["ccbot", "claudebot", "gptbot"]
    assert shut_out(b"User-agent: *\nDisallow: /", "https://a.org/x") == []


def test_a_robots_txt_in_utf_16_is_read() -> None:
    robots = "User-agent: *\nDisallow: /no".encode("utf-16")
    assert Robots.parse(robots).forbids("https://a.org/no") is not None
    assert Robots.parse(robots).forbids("https://a.org/yes") is None


SITE_FILES = {
    "https://a.org/.well-known/tdmrep.json": b'[{"location": "/", "tdm-reservation": 0},'
    b' {"location": "/news/*", "tdm-reservation": 1}]',
    "https://a.org/ai.txt": b"User-Agent: *\nDisallow: /art\n",
    "https://a.org/rsl.xml": b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/paid/*"><license>'
    b'<permits type="usage">search</permits></license></content></rsl>',
}


@pytest.mark.parametrize(
    ("path", "signals"),
    [
        ("/", []),
        ("/news/1", ["tdmrep.json: reserves /news/*"]),
        ("/art/1", ["ai.txt: Disallow: /art"]),
        ("/paid/1", ["rsl: does not permit training"]),
        ("/closed/1", ["disallowaitraining: /closed"]),
    ],
)
def test_files_of_a_site_say_how_its_pages_may_be_used(path: str, signals: list[str]) -> None:
    robots = b"DisallowAITraining: /closed\nUser-agent: *\nAllow: /\n"
    assert site_signals(f"https://a.org{path}", robots, SITE_FILES) == signals


def test_files_that_cannot_be_read_say_nothing() -> None:
    for body in (b"", b"{", b"[1, {}]", b"<html>Not found</html>", b"\xff\xfe", b'[{"location": 3}]', b"[" * 100_000):
        files = dict.fromkeys(SITE_FILES, body)
        assert site_signals("https://a.org/", b"<!doctype html><p>User-agent: GPTBot Disallow: /", files) == []
