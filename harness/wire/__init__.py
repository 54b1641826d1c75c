"""What passes a connection, told as events: parsers without I/O, fed with bytes as they come."""
