"""Measure and prove what a running cluster promises: shared by the tests of the cluster and the benchmarks."""
