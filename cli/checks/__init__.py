"""What ``whistle doctor`` looks at: one module a kind of thing, each returns findings."""
