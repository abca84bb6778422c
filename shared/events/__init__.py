"""The one schema of all services: what each event carries, on which topic, in which bytes."""
