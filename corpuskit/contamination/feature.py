"""What the feature `contamination` declares."""

from corpuskit.engine.features import Feature

FEATURE = Feature(
    name="contamination", phase="clean", stages={"contamination": "corpuskit.contamination.stage:Contamination"}
)
