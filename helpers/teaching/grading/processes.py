"""A confined process, seen from outside: its channel, and the line that ends it."""

import json
import shutil

GRACE = 3.0
"""Seconds that a process gets to stop by itself before it is ended."""

START = 120.0
"""Seconds that a process may take to start, on a busy machine too."""


class Process:
    """A confined process: its channel, and the line that ends it."""

    def __init__(self, channel, lifeline, scratch):
        self.channel = channel
        self.lifeline = lifeline
        self.scratch = scratch
        self._end = None

    def end(self):
        """Why it ended, waiting for that a little: {"end", "detail"}."""
        if self._end is None:
            self.lifeline.settimeout(GRACE)
            try:
                self._end = json.loads(self.lifeline.recv(5000))
            except (OSError, ValueError):
                self._end = {"end": "unknown", "detail": ""}
        return self._end

    def kill(self):
        """End it and everything that it has started."""
        self.channel.close()
        self.lifeline.close()
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)
