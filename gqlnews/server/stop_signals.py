"""The signals that stop a command or the server, with their names in messages and logs."""

import signal

STOP_SIGNAL_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
