"""What goes over the wire: the envelope, frames as bytes, and the tree of errors."""
