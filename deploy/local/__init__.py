"""The whole system on one machine: a real Kafka, a real PostgreSQL and the four services, as processes."""
