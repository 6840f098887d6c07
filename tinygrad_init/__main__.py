"""`python -m tinygrad_init` is `tinygrad-init`."""

import sys

from .cli import main

sys.exit(main())
