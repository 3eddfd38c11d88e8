"""Tables in files as people's own programs write and read them: CSV and XLSX."""
