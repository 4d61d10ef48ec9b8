"""The shop's settings that managers choose on a page: name, logo, time zone, default currency, amendment deadline."""
