"""What the feature `selection` declares."""

from corpuskit.engine.features import Feature

FEATURE = Feature(name="selection", phase="clean", stages={"filter": "corpuskit.selection.stage:Filter"})
