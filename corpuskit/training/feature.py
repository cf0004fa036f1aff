"""What the feature `training` declares."""

from corpuskit.engine.features import Command, Feature, RecipeKey, ReportSection

FEATURE = Feature(
    name="training",
    phase="train",
    uses=("tokens", "privacy", "toxicity"),
    sources={"task_texts": "corpuskit.training.instruct.source:TaskTexts"},
    recipe_keys={
        "train": RecipeKey("corpuskit.training.job:KEY", after=("tokens",)),
        "adapt": RecipeKey("corpuskit.training.adapters.job:ADAPT", after=("train",)),
        "compare": RecipeKey("corpuskit.training.adapters.job:COMPARE", after=("train", "adapt")),
        "instruct": RecipeKey("corpuskit.training.instruct.job:KEY", after=("train", "adapt", "compare")),
        "evaluate": RecipeKey("corpuskit.training.evaluation.job:KEY", after=("train", "adapt", "compare", "instruct")),
    },
    commands={
        "train": Command("corpuskit.training.commands:train", "Run a recipe up to its trained model, or resume a run."),
        "generate": Command("corpuskit.training.commands:generate", "Let a model continue a text."),
        "tokens trace": Command(
            "corpuskit.training.commands:trace", "Show which pages made a training step, or which steps read a page."
        ),
        "adapters": Command(
            "corpuskit.training.adapters.commands:adapters",
            "Fine-tune a model, merge adapters into it, compare methods.",
        ),
        "instruct": Command(
            "corpuskit.training.instruct.commands:instruct",
            "Teach a model to follow instructions, from demonstrations and feedback.",
        ),
        "evaluate": Command(
            "corpuskit.training.evaluation.commands:evaluate", "Evaluate models on tasks and on held-out text."
        ),
    },
    report=(
        ReportSection("corpuskit.training.report:pretraining", "training"),
        ReportSection("corpuskit.training.evaluation.report:evaluation", "training"),
        ReportSection("corpuskit.training.instruct.report:instruction", "training"),
        ReportSection("corpuskit.training.adapters.report:adapters", "training"),
    ),
    histories=("corpuskit.training.job:training_history",),
)
