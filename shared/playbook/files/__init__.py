"""What stands in each file of a playbook's folder, row by row or node by node, and the values it becomes."""
