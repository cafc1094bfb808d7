"""`whole_way.py` while the API, the workers and the gateway are killed (`kill -9`) twenty times at random.

.venv/bin/python scripts/whole_way_killed.py ../shared/data/olist [--limit N] [--workers N]
"""

from whole_way import main

if __name__ == "__main__":
    main(kills=20)
