"""``python -m services.router``: settings in, router running."""

from services.router.app import run
from services.router.settings import Settings

if __name__ == "__main__":
    run(Settings())
