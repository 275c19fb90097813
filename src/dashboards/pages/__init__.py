"""The pages, a file for each, and in `page` what they have in common."""
