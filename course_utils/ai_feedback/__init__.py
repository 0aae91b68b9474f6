"""Feedback and data that a model writes: judging, refining itself, labeling, synthetic records."""
