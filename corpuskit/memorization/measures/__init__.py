"""What an audit computes from token scores: extraction, exposure, membership, and the intervals beside every rate."""
