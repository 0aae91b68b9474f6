"""The quiz bank for learning platforms: `python start.py quiz [--output FOLDER]`.

It writes GIFT for Moodle (one file a lesson), a QTI 1.2 package for Canvas and a QTI 2.1 package for others.
"""

import argparse
import io
import sys
import zipfile
from pathlib import Path

from course_utils.storage.files import write_atomically
from course_utils.tools.quiz import bank, gift, qti12, qti21

ROOT = Path(__file__).resolve().parents[3]
EPOCH = (2026, 1, 1, 0, 0, 0)  # one date for all files, so that the same bank gives the same bytes


def packed(files):
    """A zip of {path: text} as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, EPOCH), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def build(quizzes, output):
    """Write every format into the folder. Returns the names of the files."""
    files = {f"gift/lesson-{quiz.lesson}.gift.txt": gift.dumps(quiz) for quiz in quizzes}
    files["canvas-qti12.zip"] = packed(qti12.files(quizzes))
    files["qti21.zip"] = packed(qti21.files(quizzes))
    for path, content in files.items():
        (output / path).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(output / path, content)
    return list(files)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="start.py quiz", description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "quiz", help="the folder (default: quiz)")
    options = parser.parse_args(arguments)
    try:
        quizzes = bank.read()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for path in build(quizzes, options.output):
        print(options.output / path)
    print(f"{sum(len(quiz.questions) for quiz in quizzes)} questions of {len(quizzes)} lessons")
    return 0


if __name__ == "__main__":
    sys.exit(main())
