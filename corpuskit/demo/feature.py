"""What the feature `demo` declares."""

from corpuskit.engine.features import Command, Feature

FEATURE = Feature(
    name="demo",
    phase="try",
    commands={
        "demo": Command(
            "corpuskit.demo.commands:demo",
            "Crawl a small web, clean it, train a small model on it, and report what that model memorised. No network.",
        )
    },
)
