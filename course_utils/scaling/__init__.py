"""Larger models, several machines, and the way out of the course: other engines, other formats."""
