# Nothing here names an endpoint: AWS_ENDPOINT_URL in the environment points this same configuration at a local one.
provider "aws" {
  region = var.region

  default_tags {
    tags = merge(
      {
        Environment = var.environment
        ManagedBy   = "terraform"
        Pipeline    = local.prefix
      },
      var.tags,
    )
  }
}
