"""What carries the business: settings, database, notifications, logs. Knows no business word."""
