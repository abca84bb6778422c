"""Personal data sealed by data keys of each county, which the keys of ``WHISTLE_SECRET_KEY`` wrap."""

from services.intake.vault.envelope import EnvelopeVault, Unreadable
from services.intake.vault.keys import DataKey, DataKeyBook, PostgresDataKeys

__all__ = ["DataKey", "DataKeyBook", "EnvelopeVault", "PostgresDataKeys", "Unreadable"]
