"""What the feature `rights` declares."""

from corpuskit.engine.features import Feature, ReportSection

FEATURE = Feature(
    name="rights",
    phase="clean",
    stages={"rights": "corpuskit.rights.stage:Rights"},
    report=(ReportSection("corpuskit.rights.report:rights", "cleaning"),),
)
