"""How times grow with samples, dimensions and networks, and how far they are from what the machine can do."""
