"""What Google Cloud holds, as Terraform, and what it is told of the environment's file."""
