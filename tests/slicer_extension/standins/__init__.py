"""Stand-ins for what the application 3D Slicer adds to slicer-core; each says what it stands for."""
