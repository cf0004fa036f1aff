"""What the feature `compatible` declares."""

from corpuskit.engine.features import Feature

FEATURE = Feature(name="compatible", phase="clean")
