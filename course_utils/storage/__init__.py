"""Files: where they are, how they are written, and what is read from them."""
