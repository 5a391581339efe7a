# What COPY reads with. It loads curated tables and manifests, so it reads these and no more.
resource "aws_iam_role" "copy" {
  count = local.is_existing ? 0 : 1

  name        = var.copy_role_name
  description = "What COPY on ${var.name} may read."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      # COPY reads as this role, for clusters and namespaces of this account.
      Sid    = "AssumedByRedshift"
      Effect = "Allow"
      Action = "sts:AssumeRole"
      # Serverless asks as both: https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-iam.html
      Principal = {
        Service = concat(local.is_serverless ? ["redshift-serverless.amazonaws.com"] : [], ["redshift.amazonaws.com"])
      }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

locals {
  copy_statements = [
    {
      # The curated tables, and the manifests that name their files.
      Sid      = "ReadObjects"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = [for prefix in var.copy_from.prefixes : "${var.copy_from.bucket_arn}/${prefix}*"]
    },
    {
      # COPY takes a prefix, and lists what is below it.
      Sid       = "ListObjects"
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [var.copy_from.bucket_arn]
      Condition = { StringLike = { "s3:prefix" = [for prefix in var.copy_from.prefixes : "${prefix}*"] } }
    },
    {
      # COPY reads Parquet through Redshift Spectrum, which may ask for the region; that request carries no prefix.
      Sid      = "LocateBucket"
      Effect   = "Allow"
      Action   = ["s3:GetBucketLocation"]
      Resource = [var.copy_from.bucket_arn]
    },
  ]
  # The objects are encrypted with the key.
  copy_kms_statement = {
    Sid      = "DecryptObjects"
    Effect   = "Allow"
    Action   = ["kms:Decrypt"]
    Resource = [var.kms_key_arn]
  }
}

resource "aws_iam_role_policy" "copy" {
  count = local.is_existing ? 0 : 1

  name = "copy"
  role = aws_iam_role.copy[0].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.copy_statements, var.kms_key_arn == null ? [] : [local.copy_kms_statement])
  })
}
