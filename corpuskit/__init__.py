"""corpuskit: from the open web to a clean corpus, and from a clean corpus to a small language model, with evidence."""

import os

__version__ = "0.1.0"

# libgomp's threads spin for milliseconds before they sleep. On a machine whose cores are shared, that makes torch tens
# of times slower (measured: 60 s against 4 s for the same products beside six other processes); a short spin costs
# nothing measurable on a free one. It is read when torch is first imported.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
