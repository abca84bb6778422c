"""The fixtures of intake's integration tests; what they give stands in ``harness``."""

from tests.integration.intake.harness import intake, keyring, vault

__all__ = ["intake", "keyring", "vault"]
