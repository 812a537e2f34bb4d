"""Clients' connections: accepted, bounded in time and number, read and written with Hypercorn's protocols.

Knows nothing of routes; only this room knows Hypercorn, h11 and h2. Hypercorn's own server for asyncio is not
used: it keeps a connection that its client has closed until the idle timeout, and it leaves accepting to
asyncio, which floods the log when there are no more files (python/cpython#151615).
"""
