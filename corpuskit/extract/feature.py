"""What the feature `extract` declares."""

from corpuskit.engine.features import Feature

FEATURE = Feature(name="extract", phase="clean", stages={"extract": "corpuskit.extract.stage:ExtractStage"})
