"""What the end-to-end tests are written with: stacks, servers, users, and clients for HTTP and WebSocket."""
