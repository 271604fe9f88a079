"""The engine coreml: trains with Apple's `MLUpdateTask` through PyObjC, on macOS only."""
