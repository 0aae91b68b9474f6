"""Files out of npm packages, fetched once and kept: what book and slides show without a network.

Each file is pinned by its checksum. Left out: dependencies and installing, for these are single files.
"""

import hashlib
import io
import tarfile
from dataclasses import dataclass
from urllib.request import urlopen

from course_utils.storage.files import write_atomically
from course_utils.storage.paths import course_home


@dataclass(frozen=True)
class Package:
    """An npm package: name, version, and {path in the package: SHA-256} of the files wanted."""

    name: str
    version: str
    files: dict

    @property
    def url(self):
        return f"https://registry.npmjs.org/{self.name}/-/{self.name}-{self.version}.tgz"


MATHJAX = Package(
    "mathjax",
    "3.2.2",
    {"es5/tex-svg.js": "d4295dc33744836935c1399feece5159577b34c5c8ffb9f1c6324cd82e03a882"},
)  # one file that holds its own letters
REVEAL = Package(
    "reveal.js",
    "5.2.1",
    {
        "dist/reveal.js": "46538b52db48724192f59bf46f5e851a18e302777c46f4a34c32709d010d6a29",
        "dist/reveal.css": "68f915a11ebf7203c0446576b7e952ff61c5dd02134a8a226ffaf62ed42136d2",
        "dist/reset.css": "1aa8e84c9cabcbfe4d95b19879fe48b9c2c5e6d54574cbe679bc22edb9fe12b6",
        "plugin/notes/notes.js": "df1201d19d03241a2897d39c3d38768177df1cbd4bde06327b321cb83461ae89",
        "LICENSE": "34014800f4126ac2525e224166f099f26628612e95c41f76d70841b63138c989",
    },
)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def contents(package):
    """{path: bytes} of a package's wanted files. Raises SystemExit with a sentence."""
    folder = course_home() / f"{package.name}-{package.version}"
    kept = {path: folder / path.replace("/", "-") for path in package.files}
    if all(file.exists() and digest(file.read_bytes()) == package.files[p] for p, file in kept.items()):
        return {path: file.read_bytes() for path, file in kept.items()}
    try:
        with urlopen(package.url, timeout=60) as answer:
            packed = io.BytesIO(answer.read())
        with tarfile.open(fileobj=packed) as archive:
            fetched = {path: archive.extractfile(f"package/{path}").read() for path in package.files}
    except (OSError, tarfile.TarError, KeyError) as error:
        raise SystemExit(f"{package.name} could not be fetched from {package.url} ({error}).") from None
    wrong = [path for path, content in fetched.items() if digest(content) != package.files[path]]
    if wrong:
        named = f"{package.name} {package.version}"
        raise SystemExit(f"What came from {package.url} is not {named} ({wrong[0]}); nothing was kept.")
    folder.mkdir(exist_ok=True)
    for path, content in fetched.items():
        write_atomically(kept[path], content)
    return fetched
