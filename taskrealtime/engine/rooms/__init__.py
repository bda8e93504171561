"""The rooms of one process: subscribers, recent events, and the hub that delivers to them."""
