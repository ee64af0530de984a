"""What a process counts of its own doing, for Prometheus; ``/metrics`` tells it.

Labels are few and fixed: never a store, a customer or an address.
"""

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES = Counter("perennial_deliveries", "Deliveries answered.", ["outcome"])
READ = Counter("perennial_deliveries_read", "Deliveries read.", ["outcome"])
RECORDS = Counter("perennial_records_stored", "Snapshots stored.", ["kind"])
SETTLED = Counter("perennial_accounts_settled", "Accounts settled.")
PUSHES = Counter("perennial_pushes", "Pushes tried.", ["kind", "outcome"])
CALLS = Counter("perennial_store_calls", "Requests to stores.", ["status"])
TURNS = Histogram(
    "perennial_turn_seconds",
    "Turns of work, by kind.",
    ["work"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)
WAITING = Gauge("perennial_stores_waiting", "Stores that have such work waiting.", ["work"])
AGE = Gauge(
    "perennial_queue_age_seconds",
    "How long the oldest of its kind and lane has waited to be done.",
    ["work", "lane"],
)
BUDGET = Gauge("perennial_store_budget", "Requests that stores have room for now.", ["share"])
