"""What the feature `duplicates` declares."""

from corpuskit.engine.features import Command, Feature

FEATURE = Feature(
    name="duplicates",
    phase="clean",
    stages={
        "exact_duplicates": "corpuskit.duplicates.stage:ExactDuplicates",
        "near_duplicates": "corpuskit.duplicates.stage:NearDuplicates",
        "passages": "corpuskit.duplicates.stage:Passages",
    },
    commands={
        "index": Command(
            "corpuskit.duplicates.commands:index", "Manage the index that `near_duplicates: {index: FOLDER}` keeps."
        )
    },
)
