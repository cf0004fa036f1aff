"""What the feature `memorization` declares."""

from corpuskit.engine.features import Command, Feature, RecipeKey, ReportSection

FEATURE = Feature(
    name="memorization",
    phase="audit",
    uses=("tokens", "training", "privacy"),
    stages={"remedies": "corpuskit.memorization.remedies.stage:Remedies"},
    recipe_keys={
        "audit": RecipeKey(
            "corpuskit.memorization.job:KEY", after=("tokens", "train", "adapt", "compare", "instruct", "evaluate")
        ),
    },
    commands={
        "audit": Command(
            "corpuskit.memorization.commands:audit",
            "Measure what a model memorised: `corpuskit audit RUN`, or one of the commands below.",
        )
    },
    report=(
        ReportSection("corpuskit.memorization.report:memorization", "audit"),
        ReportSection("corpuskit.memorization.studies.report:before_and_after", "audit"),
    ),
)
