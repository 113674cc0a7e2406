"""The command line: flags in, exit code out. The only place that prints."""
