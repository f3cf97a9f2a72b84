"""`python -m benchmarks`: every benchmark there is."""

from benchmarks import front_end, ingest

if __name__ == "__main__":
    ingest.main()
    front_end.main()
