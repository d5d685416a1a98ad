"""Results to text: each function takes values and returns a string or a renderable table."""
