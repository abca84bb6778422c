"""The notifier: the read side, the live stream, webhooks and the page; who hears of a case is decided here."""
