"""Run a program that dies with supervisord, whatever kills that.

Supervisord stops its children when it is asked to end, but not when it is killed. On Linux the kernel can do it:
this sets the parent-death signal and then becomes the program. It is run as a file, not as a module, and imports
only the standard library, so that it starts in a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
OPEN_FILES = 65_536


def main() -> None:
    """Replace this process by the command in the arguments."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the kernel was told
            sys.exit("supervisord is gone")
    # A broker and a column store keep many files open; shells often allow 1,024.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
