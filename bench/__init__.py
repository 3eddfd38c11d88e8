"""What the cluster costs on this machine: seconds, memory, milliseconds."""
