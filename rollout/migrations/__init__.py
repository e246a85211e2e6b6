"""The application's migrations as values: what their files say, never what a database does."""
