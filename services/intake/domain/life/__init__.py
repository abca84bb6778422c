"""One case: its states, who may do what, the commands it takes, and how an event makes the next case."""
