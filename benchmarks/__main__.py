"""`python -m benchmarks`: every benchmark there is."""

from benchmarks.ingest import main

if __name__ == "__main__":
    main()
