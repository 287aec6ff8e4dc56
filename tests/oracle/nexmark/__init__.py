"""NEXMark: the flows of examples/nexmark, and its queries in SQL over the same events."""
