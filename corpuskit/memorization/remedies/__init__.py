"""Remedies: what to do about each document that the model remembers, and the stage that does it."""
