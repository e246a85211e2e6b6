"""Commands as values: `*_command` builds one, `parse_*` reads what it answered."""
