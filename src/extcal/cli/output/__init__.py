"""What the command line answers: lines, JSON, timelines, files."""
