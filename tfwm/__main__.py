"""`python -m tfwm` is the command `tfwm`."""

import sys

from tfwm.cli import main

if __name__ == "__main__":
    sys.exit(main())
