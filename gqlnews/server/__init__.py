"""HTTP: the application, who is asking, the logs, the explorer page."""
