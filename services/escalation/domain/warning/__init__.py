"""Early warning (风险预警): reports counted against their usual, pure; see docs/decisions/0030."""
