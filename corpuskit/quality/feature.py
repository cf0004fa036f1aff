"""What the feature `quality` declares."""

from corpuskit.engine.features import Command, Feature

FEATURE = Feature(
    name="quality",
    phase="clean",
    uses=("compatible",),
    stages={
        "quality": "corpuskit.quality.stage:Quality",
        "c4_lines": "corpuskit.quality.stage:C4Lines",
        "korean_cleanup": "corpuskit.quality.stage:KoreanCleanup",
    },
    commands={
        "quality": Command("corpuskit.quality.commands:quality", "Train a quality score for the stage `quality`.")
    },
)
