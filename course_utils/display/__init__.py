"""What a reader sees: figures, tables, widgets, and texts for those who do not see the pictures."""
