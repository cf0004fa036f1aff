"""What the feature `extract` declares."""

from corpuskit.engine.features import Command, Feature

FEATURE = Feature(
    name="extract",
    phase="clean",
    stages={"extract": "corpuskit.extract.stage:ExtractStage"},
    commands={"extract": Command("corpuskit.extract.commands:extraction", "Extract a page; train the extractor.")},
)
