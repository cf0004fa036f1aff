"""What the feature `toxicity` declares."""

from corpuskit.engine.features import Command, Feature

FEATURE = Feature(
    name="toxicity",
    phase="clean",
    stages={"toxicity": "corpuskit.toxicity.stage:Toxicity"},
    commands={"toxicity": Command("corpuskit.toxicity.commands:toxicity", "Score texts; train the toxicity models.")},
)
