"""``python -m services.escalation``: settings in, escalation running."""

from services.escalation.app import run
from services.escalation.settings import Settings

if __name__ == "__main__":
    run(Settings())
