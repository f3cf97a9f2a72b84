"""Find and watch the files of a content folder."""
