"""RFC 5545 section 3.1 and 3.4: from bytes to content lines to components."""
