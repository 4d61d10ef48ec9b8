"""Jobs: workers claim due work in batches. It may run twice without harm, so a crash loses nothing."""
