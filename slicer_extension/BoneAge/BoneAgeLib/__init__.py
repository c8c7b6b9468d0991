"""The bone age extension of 3D Slicer: what it knows and does, without widgets.

It runs in Slicer's own Python (3.9 and newer) with what Slicer ships, and knows the server by HTTP only.
"""

from __future__ import annotations

VERSION = "0.1.0"
"""Of the extension; a server of the same major and minor version understands it."""
