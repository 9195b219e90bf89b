"""Prints what a process was given, for test_forks.py."""

import json
import os
import sys

from django.conf import settings

if __name__ == "__main__":
    print(
        json.dumps(
            {
                "arguments": sys.argv[1:],
                "env": dict(os.environ),
                "leads_its_session": os.getsid(0) == os.getpid(),
                "input": sys.stdin.read(),
                "has_settings": settings.configured,
            }
        )
    )
    sys.exit(int(sys.argv[1]))
