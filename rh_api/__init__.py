"""RunningHub without ComfyUI: orders, uploads, results and the account behind one `Client`."""
