"""The playbooks that ship with Whistle, and what makes the generated parts of them."""
