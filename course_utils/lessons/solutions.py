"""Solutions that a teacher withholds: until a date, or until the learner knows a word.

The environment variable COURSE_SOLUTIONS decides (docs/running.md):

    COURSE_SOLUTIONS=2026-12-01     withheld before that day, by the clock of the learner's machine
    COURSE_SOLUTIONS=kingfisher     q1.solution("kingfisher") prints the solution, q1.solution() does not
    COURSE_SOLUTIONS=sha256:9f86d0… the same with the word's fingerprint, which does not give the word away

`python -m course_utils.lessons.solutions WORD` prints the fingerprint. It is a reminder to try first and
not a lock: solutions are part of the package's source. Left out: a date for each lesson.
"""

import datetime
import hashlib
import hmac
import os
import re
import sys

DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
FINGERPRINT = "sha256:"


def fingerprint(word):
    """What stands in COURSE_SOLUTIONS in place of the word; spaces around it and capitals do not count."""
    return FINGERPRINT + hashlib.sha256(_plain(word).encode()).hexdigest()[:16]


def _plain(word):
    return str(word).strip().casefold()


def withheld(word=None, today=None):
    """The sentence that says why a solution is not shown, or None if it may be.

    word is what the learner gave; today is a datetime.date, by default the machine's.
    """
    setting = os.environ.get("COURSE_SOLUTIONS", "").strip()
    if not setting:
        return None
    if DATE.fullmatch(setting):
        try:
            opens = datetime.date(*map(int, setting.split("-")))
        except ValueError:
            return f"solutions are withheld, and COURSE_SOLUTIONS={setting} is no date: tell your teacher"
        if (today or datetime.date.today()) >= opens:
            return None
        return f"solutions open on {opens.isoformat()}; until then there are hints"
    if word is None:
        return (
            'solutions open with a word from your teacher, as in solution("word"); until then there are hints'
        )
    wanted = setting if setting.startswith(FINGERPRINT) else fingerprint(setting)
    if hmac.compare_digest(fingerprint(word), wanted):
        return None
    return "this is not the word that opens the solutions"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Give one word: python -m course_utils.lessons.solutions WORD")
    print(f"COURSE_SOLUTIONS={fingerprint(sys.argv[1])}")
