"""What every job shares: settings, services, sources and sinks, simulator, replay, verify, the command line."""
