"""Fine-tunes a model on your own records: python -m course_utils.finetune --data FILE --out FOLDER"""

import sys

from course_utils.finetune.run import main

if __name__ == "__main__":
    sys.exit(main())
