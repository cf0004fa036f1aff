"""What the owners of pages reserve: reading of rights signals, and the stage that acts on them."""

from corpuskit.rights.signals import Reading, read_signals

__all__ = ["Reading", "read_signals"]
