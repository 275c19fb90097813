"""`make load`, `make load-compare`, `make soak`: many people at a time, by Locust, against a stack of its own."""
