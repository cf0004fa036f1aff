"""What a model memorised, from which page: verbatim completions, canaries, and the controls that give them meaning."""

from corpuskit.memorization.audit import AuditResult, audit
from corpuskit.memorization.canaries import Canary, CanaryPlan, canary_documents, plan_canaries
from corpuskit.memorization.config import AuditConfig, CanaryConfig

__all__ = [
    "AuditConfig",
    "AuditResult",
    "Canary",
    "CanaryConfig",
    "CanaryPlan",
    "audit",
    "canary_documents",
    "plan_canaries",
]
