"""Execution of operations: limits first, then a plan or Strawberry."""
