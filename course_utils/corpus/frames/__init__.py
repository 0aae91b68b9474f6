"""Tables of hand-written sentence frames, for the families whose own file they would make too long."""
