"""Clocks, facts and the ledger in PostgreSQL; schema in deploy/sql/escalation.

A fold holds the lanes of its partitions: a case lives in one partition number of every topic, so
whoever holds that lane is the only one to fold it. The timers take no lane: they lock clock rows and
skip those that are locked. So of a stop and a firing of one clock, the one that locks its row first
goes first: after the stop there is nothing left to fire, and a firing in flight is over before the
stop is written. Lanes are taken in order and before any row, so nothing here can deadlock.
"""
