"""The container image: built from the Dockerfile and run, without a Docker engine or a registry of images."""
