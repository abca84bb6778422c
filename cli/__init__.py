"""The ``whistle`` command: one module a command, failures said with what, why and how to mend."""
