"""RunningHub without ComfyUI: orders, uploads, results and the account, over one `Client`."""
