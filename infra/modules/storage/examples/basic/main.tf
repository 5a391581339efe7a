module "storage" {
  source = "../.."

  bucket_names = {
    artifacts = "acme-dev-artifacts"
    lake      = "acme-dev-lake"
    raw       = "acme-dev-raw"
  }
  partition            = "aws"
  account_id           = "123456789012"
  kms_key_arn          = null
  lake_expiration_days = { "staged/" = 30, "rejected/" = 90 }
}
