"""Records as text, pages, pictures and JSON."""
