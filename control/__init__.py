"""What to do to a body: tools, sites, plans, profiles, the `Arm` protocol and the run log."""
