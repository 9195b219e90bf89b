"""`python -m embedded`, with a model server that answers short questions only.

The memory for long ones is cleared at each start, which takes more processor time than the rest of the model's start.
"""

import sys

from embedded import model
from embedded.__main__ import main

if __name__ == "__main__":
    model.SLOT_TOKENS = 512
    sys.exit(main())
