"""The MONAI Label app: a thin door that unwraps a request, calls `boneage` and wraps the answer."""
