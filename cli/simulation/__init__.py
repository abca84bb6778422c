"""What ``whistle simulate`` counts: past cases through two playbooks, and who would have got what."""
