"""The groups of the client: `client.account`, `.costs`, `.uploads` and so on, one module each."""
