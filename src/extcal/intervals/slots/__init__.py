"""When people can meet: conditions and hours in, slots out."""
