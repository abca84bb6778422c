"""What all four services share: the words, the events, the playbook and the plumbing."""
