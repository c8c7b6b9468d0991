"""What all tests share."""

import signal

# A shell tells a job in the background to ignore Ctrl-C, and its children inherit that; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)
