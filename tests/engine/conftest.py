from conftest_engine import corpus, execute, pool  # noqa: F401
