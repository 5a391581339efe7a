mock_provider "aws" {}

variables {
  bucket_names = { artifacts = "dev-artifacts", lake = "dev-lake", raw = "dev-raw" }
  partition    = "aws"
  account_id   = "123456789012"
  kms_key_arn  = "arn:aws:kms:us-east-1:123456789012:key/1"
}

run "every_bucket_is_private_versioned_and_encrypted" {
  command = plan

  assert {
    condition     = { for role, bucket in aws_s3_bucket.this : role => bucket.bucket } == var.bucket_names
    error_message = "A bucket has another name."
  }
  assert {
    condition     = !anytrue(values(aws_s3_bucket.this)[*].force_destroy)
    error_message = "By default a destroy must not take objects with it."
  }
  assert {
    condition = alltrue([
      for role in keys(var.bucket_names) : alltrue([
        aws_s3_bucket_public_access_block.this[role].block_public_acls,
        aws_s3_bucket_public_access_block.this[role].block_public_policy,
        aws_s3_bucket_public_access_block.this[role].ignore_public_acls,
        aws_s3_bucket_public_access_block.this[role].restrict_public_buckets,
      ])
    ])
    error_message = "A bucket could be made public."
  }
  assert {
    condition = alltrue([
      for role in keys(var.bucket_names) :
      aws_s3_bucket_ownership_controls.this[role].rule[0].object_ownership == "BucketOwnerEnforced"
    ])
    error_message = "A bucket has ACLs."
  }
  assert {
    condition = alltrue([
      for role in keys(var.bucket_names) :
      aws_s3_bucket_versioning.this[role].versioning_configuration[0].status == "Enabled"
    ])
    error_message = "A bucket is not versioned."
  }
  assert {
    condition = alltrue([
      for rule in [
        for role in keys(var.bucket_names) : one(aws_s3_bucket_server_side_encryption_configuration.this[role].rule)
      ] :
      rule.bucket_key_enabled &&
      one(rule.apply_server_side_encryption_by_default).sse_algorithm == "aws:kms" &&
      one(rule.apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn
    ])
    error_message = "A bucket is not encrypted with the key."
  }
}

run "a_bucket_refuses_plain_http_and_other_accounts" {
  command = plan

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this["lake"].policy) == jsondecode(jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "DenyOtherAccounts"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = ["arn:aws:s3:::dev-lake", "arn:aws:s3:::dev-lake/*"]
          Condition = {
            StringNotEquals = { "aws:PrincipalAccount" = "123456789012" }
            BoolIfExists    = { "aws:PrincipalIsAWSService" = "false" }
          }
        },
        {
          Sid       = "DenyInsecureTransport"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = ["arn:aws:s3:::dev-lake", "arn:aws:s3:::dev-lake/*"]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ]
    }))
    error_message = "Policy of the lake bucket: ${aws_s3_bucket_policy.this["lake"].policy}"
  }
  assert {
    condition     = keys(aws_s3_bucket_policy.this) == keys(var.bucket_names)
    error_message = "A bucket has no policy."
  }
}

run "a_local_endpoint_may_speak_plain_http" {
  command = plan

  variables {
    require_tls = false
    kms_key_arn = null
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this["raw"].policy).Statement[*].Sid == ["DenyOtherAccounts"]
    error_message = "Only plain HTTP is let in, nobody else."
  }
  assert {
    condition = (
      one(
        one(aws_s3_bucket_server_side_encryption_configuration.this["raw"].rule).apply_server_side_encryption_by_default
      ).sse_algorithm == "AES256"
    )
    error_message = "Without a key, S3's own encrypt."
  }
}

run "only_what_can_be_made_again_expires" {
  command = plan

  variables {
    lake_expiration_days = { "staged/" = 30, "rejected/" = 90 }
  }

  assert {
    condition = {
      for rule in aws_s3_bucket_lifecycle_configuration.this["lake"].rule :
      rule.id => rule.expiration[0].days if length(rule.expiration) > 0
    } == { expire-staged = 30, expire-rejected = 90 }
    error_message = "Other objects of the lake expire."
  }
  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.this["raw"].rule : rule.id if length(rule.expiration) > 0
    ] == []
    error_message = "Source files expire."
  }
}

run "values_that_no_bucket_can_have_are_refused" {
  command = plan

  variables {
    bucket_names               = { artifacts = "Dev_Artifacts", lake = "dev-lake", raw = "dev-raw" }
    account_id                 = "1234"
    lake_expiration_days       = { "staged" = 0 }
    noncurrent_expiration_days = 0
  }

  expect_failures = [var.bucket_names, var.account_id, var.lake_expiration_days, var.noncurrent_expiration_days]
}
