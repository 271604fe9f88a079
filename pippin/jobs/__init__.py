"""Jobs: requests and their hyperparameters, the transitions between states, and checkpoints. Does no I/O."""
