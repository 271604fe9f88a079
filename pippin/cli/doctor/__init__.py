"""`pippin doctor`: what a machine has and lacks for training, one small check a module."""
