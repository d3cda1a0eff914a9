"""extcal in other frameworks. Each package needs the extra of its name."""
