"""Crawling the live web: politely, within bounds, into an archive that can be read again without the network.

robots.py, scope.py, politeness.py, addresses.py    what may be fetched, and when
urls.py, links.py, feeds.py, sitemaps.py            what pages, feeds and sitemaps name
state.py, frontier.py                               every address and its outcome; what is next
archive.py, index.py                                WARC files, and the order in which they are read
child.py, spider.py, resolver.py                    the process that connects
source.py                                           the recipe's `crawl`
"""

from corpuskit.sources.crawl.feeds import FeedEntry, parse_feed
from corpuskit.sources.crawl.robots import Robots, RobotsRule
from corpuskit.sources.crawl.scope import Scope
from corpuskit.sources.crawl.sitemaps import Sitemap, parse_sitemap
from corpuskit.sources.crawl.source import CrawlSource
from corpuskit.sources.crawl.state import fate

__all__ = [
    "CrawlSource",
    "FeedEntry",
    "Robots",
    "RobotsRule",
    "Scope",
    "Sitemap",
    "fate",
    "parse_feed",
    "parse_sitemap",
]
