"""Networks trained side by side: starts compared, proposals tried."""
