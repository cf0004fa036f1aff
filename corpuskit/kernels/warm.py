"""Loading this module loads what the first kernel and the first Arrow array of a process would otherwise wait for.

It is for processes that others are forked from.
"""

from __future__ import annotations

import pyarrow as pa

from corpuskit.kernels.normal_form import compose
from corpuskit.kernels.shingles import folded
from corpuskit.kernels.unicode import code_points

compose(pa.array(["a"], pa.large_string()))
folded()
code_points()
