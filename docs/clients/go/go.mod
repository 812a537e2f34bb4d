module govor-client

go 1.19
