from tests.databases import ENGINE

collect_ignore = ["test_postgres.py" if ENGINE == "sqlite" else "test_sqlite.py"]
