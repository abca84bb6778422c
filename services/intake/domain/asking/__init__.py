"""An action as somebody asks for it, and the command that it becomes."""
