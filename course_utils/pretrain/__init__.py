"""Pretraining of the glass-box model, and its model card."""
