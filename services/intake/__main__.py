"""``python -m services.intake``: settings in, intake running."""

from services.intake.app import run
from services.intake.settings import Settings

if __name__ == "__main__":
    run(Settings())
