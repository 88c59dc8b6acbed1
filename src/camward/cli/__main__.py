"""`python -m camward.cli`: the command, for a process that another one starts with the same Python."""

import sys

from camward.cli.main import main

sys.exit(main())
