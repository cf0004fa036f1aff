"""How the toxicity models that ship are made: the texts they learn from, the fits, their cards."""
