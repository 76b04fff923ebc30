"""Speed benchmarks: ratios made in one run, or instruction counts; not tests."""
