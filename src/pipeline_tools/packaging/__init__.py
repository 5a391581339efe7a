"""What Terraform uploads: the Lambdas, the jobs with their libraries, and the compiled SQL."""
