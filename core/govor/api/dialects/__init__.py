"""Routes in the dialects of other servers."""
