"""Files: where things are, how they are written, and how the real model gets onto this machine."""
