"""``python -m services.notifier``: settings in, the notifier running."""

from services.notifier.app import run
from services.notifier.settings import Settings

if __name__ == "__main__":
    run(Settings())
