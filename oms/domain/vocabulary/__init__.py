"""Types that every concept uses: ids, money, events, machines, errors. Standard library only."""
