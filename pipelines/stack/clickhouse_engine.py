"""ClickHouse's server engine as a library, in a process of its own: `python -m pipelines.stack.clickhouse_engine`.

For machines without a `clickhouse` program. The library has one call, which runs the queries it is given and
returns; so the last query reads a pipe of this process and goes on until the pipe is closed. Closing it on SIGTERM
makes the engine shut down in order, as a server does.

The library ends the process when a login on the native port fails or a query there comes with a setting that cannot
be read (in a server, only the connection ends); supervisord starts it again, and its data is there.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from pathlib import Path

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Result(ctypes.Structure):
    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("len", ctypes.c_size_t),
        ("_vec", ctypes.c_void_p),
        ("elapsed", ctypes.c_double),
        ("rows", ctypes.c_uint64),
        ("bytes", ctypes.c_uint64),
        ("err", ctypes.c_char_p),
    )


def serve(library: Path, config: Path) -> int:
    """Serve with this configuration until SIGTERM; 1 when the engine ended by itself."""
    engine = ctypes.CDLL(str(library))
    query = engine.query_stable_v2
    query.restype = ctypes.POINTER(_Result)
    query.argtypes = (ctypes.c_int, ctypes.POINTER(ctypes.c_char_p))

    pipe_read, pipe_write = os.pipe()
    arguments = [
        "clickhouse",
        "--config-file",
        str(config),
        # The level in the configuration file is not used by the library; everything else there is.
        "--log-level",
        "warning",
        "--query",
        "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; "
        f"SELECT * FROM file('/proc/self/fd/{pipe_read}', LineAsString) FORMAT Null",
    ]
    argv = (ctypes.c_char_p * len(arguments))(*(argument.encode() for argument in arguments))
    ended_with: list[str] = []

    def run() -> None:
        error = query(len(arguments), argv).contents.err
        ended_with.append(error.decode(errors="replace") if error else "")
        os.kill(os.getpid(), signal.SIGTERM)  # wakes the main thread, which waits for it

    # Python handles signals between its own instructions, never inside the library's call: that runs in a thread
    # of its own, and the main thread waits for the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    thread = threading.Thread(target=run, name="engine")
    thread.start()
    signal.sigwait(STOP_SIGNALS)
    failed = bool(ended_with)
    os.close(pipe_write)
    thread.join()
    if failed or ended_with[0]:
        print(f"The engine ended: {ended_with[0] or 'no reason given'}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m pipelines.stack.clickhouse_engine LIBRARY CONFIG")
    sys.exit(serve(Path(sys.argv[1]), Path(sys.argv[2])))
