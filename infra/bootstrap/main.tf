# What has to be there before the pipeline can be deployed from GitHub: a bucket for Terraform's state, and roles that
# GitHub's workflows assume by OpenID Connect, so that no access key is kept anywhere. Applied once, by a person.

provider "aws" {
  region = var.region

  default_tags {
    tags = { ManagedBy = "terraform", Pipeline = "bootstrap" }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account_id   = data.aws_caller_identity.current.account_id
  partition    = data.aws_partition.current.partition
  state_bucket = coalesce(var.state_bucket, "${local.account_id}-${var.region}-terraform-state")
}
