"""What PostgreSQL itself can do: pgbench writing the least that placing one order must write."""
