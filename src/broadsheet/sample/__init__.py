"""Five editions of real papers, so that a fresh Broadsheet has something to show before any source was reached."""
