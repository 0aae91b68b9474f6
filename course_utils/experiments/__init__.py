"""The long runs behind the stored results of data/results, each resumable and started by one command."""
