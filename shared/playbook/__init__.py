"""A county's playbook: its model, its files, its record on Kafka, and the one in force.

``load`` reads a folder: ``files`` says what stands in each file, ``nodes`` (YAML) and ``located`` (CSV, GeoJSON) know
the line of everything read, ``reading`` turns it into values and words a mistake, ``ruletree`` flattens groups of
rules, ``expression`` types CEL, ``check`` finds what does not fit together and ``near`` what was meant. ``schemas``
writes the JSON Schemas for editors. ``digest``, ``record`` and ``publish`` put a version in force, ``shelf`` follows
those in force, ``above`` says which desk stands above.
"""
