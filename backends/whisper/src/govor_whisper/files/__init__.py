"""The models on offer, and their files, checked before C++ reads them."""
