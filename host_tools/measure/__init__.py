"""Accuracy, exactness and time of networks: datasets, evaluation, verification, profiles."""
