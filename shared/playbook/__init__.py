"""A county's playbook: its model, its files, its record on Kafka, and the one in force."""
