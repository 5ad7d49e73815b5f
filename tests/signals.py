"""What a process does at its start that is to be stopped by a signal: pytest may itself have been
started to ignore some, SIGHUP by nohup and SIGINT by a shell's &, and what it starts inherits that.
"""

import signal
import sys


def heed():
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


HEEDED = {} if sys.platform == "win32" else {"preexec_fn": heed}  # for subprocess.Popen
