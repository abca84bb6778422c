"""Pure decisions: no input or output, and the present instant is an argument."""
