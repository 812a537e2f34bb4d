"""Bodies of requests as they arrive: forms, JSON, plain recordings; bounded."""
