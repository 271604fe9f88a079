"""`pippin doctor`: what a machine has and lacks for training, one small check a module."""

from pippin.cli.doctor.examination import examine
from pippin.cli.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
