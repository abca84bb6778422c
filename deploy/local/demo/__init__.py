"""The demo: a fictional county at work on the whole system, with an account at the end."""

from deploy.local.demo.run import run

__all__ = ["run"]
