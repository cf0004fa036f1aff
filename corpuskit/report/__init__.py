"""The report of a finished run: one HTML file that opens from disk, and needs nothing else.

corpuskit.report.write(Path("runs/demo"), Path("runs/demo/report.html"))
"""

from corpuskit.report.page import write

__all__ = ["write"]
