"""The exercises that you have solved: python -m course_utils.lessons [--export FILE | --import FILE]"""

import sys

from course_utils.lessons import progress

if __name__ == "__main__":
    sys.exit(progress.main())
