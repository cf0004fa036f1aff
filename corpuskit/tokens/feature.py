"""What the feature `tokens` declares."""

from corpuskit.engine.features import Command, Feature, RecipeKey

FEATURE = Feature(
    name="tokens",
    phase="tokenise",
    recipe_keys={"tokens": RecipeKey("corpuskit.tokens.job:KEY")},
    commands={
        "tokens": Command("corpuskit.tokens.commands:tokens", "Inspect token shards and the order of training."),
    },
)
