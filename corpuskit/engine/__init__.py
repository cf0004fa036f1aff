"""Turns a recipe into steps, steps into tasks, tasks into receipts. Knows documents, but nothing of what stages do."""
