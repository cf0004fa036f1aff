"""A small web to try corpuskit on: news, blogs and forums in English and Korean, written for the purpose.

with corpuskit.demo.serve() as base:   # 'http://127.0.0.1:49152'
    ...
corpuskit.demo.build(Path("site"))     # the same site as files
"""

from corpuskit.demo.server import serve
from corpuskit.demo.site import build

__all__ = ["build", "serve"]
