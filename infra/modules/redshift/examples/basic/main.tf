module "redshift" {
  source = "../.."

  mode               = "serverless"
  name               = "acme-dev-redshift"
  database           = "analytics"
  serverless         = { base_capacity = 8, max_capacity = 16 }
  kms_key_arn        = null
  cluster_arn_prefix = "arn:aws:redshift:eu-central-1:123456789012:cluster:"
  account_id         = "123456789012"
  copy_role_name     = "acme-dev-redshift-copy"
  copy_from          = { bucket_arn = "arn:aws:s3:::acme-dev-lake", prefixes = ["curated/"] }
}
