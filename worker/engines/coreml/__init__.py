"""Trains with Core ML itself: Apple's `MLUpdateTask`, through PyObjC. Only macOS has it."""
