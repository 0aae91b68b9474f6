"""Python imports this at start when its folder is on PYTHONPATH: the guard reaches every kernel and child."""

import os

if os.environ.get("COURSE_NO_NETWORK"):
    import no_network

    no_network.forbid()
