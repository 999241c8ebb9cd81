"""The bottleneck solver against other packages and plain reverse annealing, on the same problems in one run."""
