"""RFC 5545 sections 3.2.19 and 3.6.5: which zone a TZID means, and what time it is there."""
