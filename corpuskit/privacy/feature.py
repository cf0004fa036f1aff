"""What the feature `privacy` declares."""

from corpuskit.engine.features import Command, Feature, ReportSection

FEATURE = Feature(
    name="privacy",
    phase="clean",
    uses=("language",),
    stages={"personal_data": "corpuskit.privacy.stage:PersonalData"},
    commands={
        "privacy": Command(
            "corpuskit.privacy.commands:privacy",
            "Find and scrub personal data; undo it; train the Korean name model.",
        )
    },
    report=(ReportSection("corpuskit.privacy.report:personal_data", "cleaning"),),
)
