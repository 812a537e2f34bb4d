"""Clients' connections: accepted, limited in time and number, served with Hypercorn's protocols.

Knows nothing of routes; only this package knows Hypercorn, h11 and h2. Hypercorn's own server for asyncio is
not used: it keeps a connection that its client has closed until the idle timeout, and it leaves accepting to
asyncio, which floods the log if there are no more file descriptors (python/cpython#151615).
"""
