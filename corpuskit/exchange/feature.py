"""What the feature `exchange` declares."""

from corpuskit.engine.features import Command, Feature

FEATURE = Feature(
    name="exchange",
    phase="tokenise",
    uses=("tokens",),
    commands={
        "tokens export": Command(
            "corpuskit.exchange.commands:export_", "Write the shards as files that another trainer reads."
        ),
        "tokens import": Command(
            "corpuskit.exchange.commands:import_", "Make token shards of another trainer's files."
        ),
    },
)
