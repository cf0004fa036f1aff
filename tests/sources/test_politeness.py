"""When a host may be asked again, worked out by hand."""

from __future__ import annotations

import pytest

from corpuskit.sources.crawl.politeness import MAX_ADAPTIVE_DELAY, MAX_FAILURES, MAX_PAUSE, Host, backoff, retry_after


def test_the_longest_of_the_three_delays_counts() -> None:
    for delay, crawl_delay, adaptive in ((3.0, 1.0, 2.0), (1.0, 3.0, 2.0), (1.0, 2.0, 3.0)):
        host = Host("a.org", delay, crawl_delay=crawl_delay)
        host.adaptive = adaptive
        host.begin(100.0)
        assert (host.next_at, host.active) == (103.0, 1)


def test_a_new_host_waits_for_nothing_and_has_one_connection() -> None:
    host = Host("a.org", 1.0)
    assert (host.next_at, host.active, host.failures, host.pages, host.concurrency) == (0.0, 0, 0, 0, 1)
    assert (host.crawl_delay, host.adaptive, host.queued_at) == (0.0, 0.0, None)
    host.begin(0.0)
    assert host.next_at == 1.0


def test_a_pause_is_never_shortened() -> None:
    host = Host("a.org", 1.0)
    host.pause(50.0)
    host.begin(10.0)
    assert host.next_at == 50.0
    host.pause(40.0)
    assert host.next_at == 50.0
    host.pause(60.0)
    assert host.next_at == 60.0


def test_the_adaptive_delay_is_the_mean_of_the_last_one_and_the_latency() -> None:
    host = Host("a.org", 1.0)
    host.begin(0.0)
    host.end(4.0, 200, 0.0)
    assert (host.adaptive, host.active) == (4.0, 0)  # never under the latency
    host.end(2.0, 200, 0.0)
    assert host.adaptive == 3.0
    host.end(1.0, 200, 0.0)
    assert host.adaptive == 2.0


def test_more_connections_shorten_the_adaptive_delay() -> None:
    host = Host("a.org", 1.0, concurrency=4)
    host.end(8.0, 200, 0.0)
    assert host.adaptive == 2.0


def test_an_error_makes_no_host_faster_but_may_slow_it() -> None:
    host = Host("a.org", 1.0)
    host.end(4.0, 200, 0.0)
    host.end(1.0, 500, 0.0)
    assert host.adaptive == 4.0
    host.end(10.0, 500, 0.0)
    assert host.adaptive == 10.0
    host.end(0.0, 200, 0.0)
    assert host.adaptive == 5.0


def test_the_adaptive_delay_has_a_limit() -> None:
    host = Host("a.org", 1.0)
    host.end(1000.0, 200, 0.0)
    assert host.adaptive == MAX_ADAPTIVE_DELAY == 60.0


@pytest.mark.parametrize(("latency", "status"), [(None, None), (None, 200), (0.5, None)])
def test_a_host_is_left_alone_after_ten_failures_in_a_row(latency: float | None, status: int | None) -> None:
    assert MAX_FAILURES == 10
    host = Host("a.org", 1.0)
    host.adaptive = 2.0
    for _ in range(9):
        host.begin(0.0)
        host.end(latency, status, 0.0)
    assert (host.silent, host.active, host.adaptive) == (False, 0, 2.0)
    host.end(0.1, 503, 0.0)
    assert host.failures == 0
    for _ in range(10):
        host.end(latency, status, 0.0)
    assert host.silent


def test_a_host_that_does_not_answer_waits_twice_as_long_each_time_up_to_a_minute() -> None:
    host = Host("a.org", 0.1, retry_delay=4.0)
    waits = []
    for failure in range(7):
        host.end(None, None, 1000.0 * failure)
        waits.append(host.next_at - 1000.0 * failure)
    assert waits == [4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert MAX_PAUSE == 60.0
    quick = Host("b.org", 0.1)
    quick.end(None, None, 100.0)
    assert quick.next_at == 101.0
    answered = Host("c.org", 0.1)
    answered.end(0.5, 503, 100.0)
    assert answered.next_at == 0.0


def test_attempts_are_further_and_further_apart() -> None:
    assert [backoff(failures, 1.0) for failures in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 8.0]
    assert [backoff(failures, 3.0) for failures in (1, 2)] == [3.0, 6.0]


def test_retry_after_is_a_number_of_seconds_or_a_date() -> None:
    assert retry_after(" 120 ", 0.0) == 120.0
    assert retry_after("0", 0.0) == 0.0
    now = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
    assert retry_after("Tue, 14 Nov 2023 22:14:20 GMT", now) == 60.0
    assert retry_after("Tue, 14 Nov 2023 22:12:20 GMT", now) == 0.0
    assert retry_after("9" * 40, 0.0) == 999_999_999.0


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5", "Tue, 99 Nov 2023 22:14:20 GMT", "²"])
def test_a_retry_after_that_cannot_be_read_is_none(value: str | None) -> None:
    assert retry_after(value, 0.0) is None
