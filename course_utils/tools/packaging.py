"""What setuptools does for this package beyond the usual: the wheel carries `data` along.

In a checkout the data lie beside the package, where learners find them; in a wheel there is nothing
beside a package, so they become `course_utils/data`. `paths.DATA` knows both places. Left out: the
notebooks, which are opened from the checkout or the code host.
"""

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parents[2]


class BuildWithData(build_py):
    """The usual step, then a copy of `data`; not for an editable installation, which has the checkout."""

    def run(self):
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "course_utils" / "data"
            shutil.copytree(ROOT / "data", target, dirs_exist_ok=True)
