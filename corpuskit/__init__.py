"""corpuskit: from the open web to a clean corpus, and from a clean corpus to a small language model, with evidence."""

import os

__version__ = "0.1.0"

# Read when torch is first imported: its threads must not spin while they wait, or a shared machine runs at a fraction
# of its speed (corpuskit.training says how much).
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
