"""Jobs: workers claim due work in batches. Work may run twice without harm, so a crash loses nothing."""
