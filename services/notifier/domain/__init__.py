"""Pure decisions of the notifier: what is known, who may hear it, what becomes of a delivery."""
