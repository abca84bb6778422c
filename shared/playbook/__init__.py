"""A county's playbook: its model, its files, its record on Kafka, and the one in force.

``load`` reads a folder: ``files`` says what stands in each file, ``reading`` turns it into values, ``located``
knows file and line of everything read and words a mistake with them, ``check`` finds what does not fit together.
``digest``, ``record`` and ``publish`` put a version in force, ``shelf`` follows those in force, ``above`` says
which desk stands above.
"""
