"""The text log of a run."""

import logging
from pathlib import Path


class LogFile(logging.FileHandler):
    """A log whose errors are raised, where `logging` would print their traceback."""

    def handleError(self, record: logging.LogRecord) -> None:
        raise


def open_log(path: Path) -> logging.Logger:
    """The log of a run, in a file that it goes on writing."""
    log = logging.getLogger(f"mizoo.{path.parent.name}")
    log.setLevel(logging.INFO)
    for handler in log.handlers[:]:
        log.removeHandler(handler)
        handler.close()
    handler = LogFile(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.propagate = False
    return log
