"""Stock: units on hand and allocated, by SKU and warehouse."""
