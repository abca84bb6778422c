"""Makes the places, offices and people of the fictional county, always the same ones."""
