"""What a model memorised, from which page: verbatim completions, canaries, and the controls that give them meaning."""

from corpuskit.memorization.audit import AuditResult, audit
from corpuskit.memorization.canaries import Canary, CanaryConfig, CanaryPlan, canary_documents, plan_canaries
from corpuskit.memorization.config import AuditConfig, DecodingPolicy
from corpuskit.memorization.corpus import corpus_spans, stretch_copies, training_frames
from corpuskit.memorization.gate import Difference, check, differences
from corpuskit.memorization.measures.dataset_inference import dataset_inference
from corpuskit.memorization.measures.epsilon import epsilon_lower_bound
from corpuskit.memorization.measures.membership import Separation, blind_scores, separation
from corpuskit.memorization.measures.personal import Find
from corpuskit.memorization.remedies.decisions import decide, write_decisions
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, TokenScores, read_scores, score_passages

__all__ = [
    "AuditConfig",
    "AuditResult",
    "Canary",
    "CanaryConfig",
    "CanaryPlan",
    "CausalModel",
    "DecodingPolicy",
    "Difference",
    "Find",
    "Passages",
    "Separation",
    "TokenScores",
    "audit",
    "blind_scores",
    "canary_documents",
    "check",
    "corpus_spans",
    "dataset_inference",
    "decide",
    "differences",
    "epsilon_lower_bound",
    "plan_canaries",
    "read_scores",
    "score_passages",
    "separation",
    "stretch_copies",
    "training_frames",
    "write_decisions",
]
