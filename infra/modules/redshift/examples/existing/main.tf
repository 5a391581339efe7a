module "redshift" {
  source = "../.."

  mode     = "existing"
  name     = "acme-dev-redshift"
  database = "warehouse"
  existing = {
    cluster_identifier = "acme-warehouse"
    secret_arn         = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:acme-warehouse-loader-a1b2c3"
  }
  kms_key_arn        = null
  cluster_arn_prefix = "arn:aws:redshift:eu-central-1:123456789012:cluster:"
  account_id         = "123456789012"
  copy_role_name     = "acme-dev-redshift-copy"
  copy_from          = { bucket_arn = "arn:aws:s3:::acme-dev-lake", prefixes = ["curated/"] }
}
