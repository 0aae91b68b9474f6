"""From data to the text that a model is sent."""
