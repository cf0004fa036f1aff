"""What the feature `language` declares."""

from corpuskit.engine.features import Feature

FEATURE = Feature(name="language", phase="clean", stages={"language": "corpuskit.language.stage:LanguageStage"})
