"""Duplicates: exact, near, and passages that many documents share."""

from corpuskit.duplicates.cluster import ClusterResult, cluster
from corpuskit.duplicates.exact import canonical_url
from corpuskit.duplicates.index import Index
from corpuskit.duplicates.passages import passages
from corpuskit.duplicates.shingles import shingles
from corpuskit.duplicates.signatures import signatures

__all__ = ["ClusterResult", "Index", "canonical_url", "cluster", "passages", "shingles", "signatures"]
