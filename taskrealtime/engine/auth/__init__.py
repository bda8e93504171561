"""Client identity: tokens, sign-ins, browser sessions."""
