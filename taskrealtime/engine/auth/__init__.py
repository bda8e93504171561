"""Who a client is: tokens, sign-ins, browser sessions."""
