"""Supervised fine-tuning of a model on your own data."""
