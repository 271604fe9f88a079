"""Writes the README's picture, docs/images/job.png, from the screenshots in a folder: `make screenshots`."""

import sys
from pathlib import Path

from PIL import Image

SCREENSHOT = "job-light-wide.png"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "job.png"


def main(folder: Path) -> None:
    """Write the picture with a palette of 256 colours, which reduces the file to a third."""
    with Image.open(folder / SCREENSHOT) as screenshot:
        screenshot.convert("RGB").quantize().save(PICTURE, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
