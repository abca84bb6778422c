"""Chooses who acts on a case: rules of the playbook in, orders out."""
