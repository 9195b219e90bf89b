"""The commands that the supervisor runs, for a minimal site."""

import sys

if __name__ == "__main__":
    print("about to", sys.argv[1])
    if sys.argv[1] == "load_demo":
        print("sam\tkitchen-demo\ta parent")
