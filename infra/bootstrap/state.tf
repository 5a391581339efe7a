resource "aws_s3_bucket" "state" {
  # checkov:skip=CKV_AWS_18:Who reads a state is in CloudTrail's data events, where an account wants them.
  # checkov:skip=CKV_AWS_144:Another region is of no use: what a state describes is in this one.
  # checkov:skip=CKV_AWS_145:A state holds no secret (passwords are Redshift's own); S3's keys need no further grants.
  # checkov:skip=CKV2_AWS_62:Nobody has to be told of a new state.
  bucket = local.state_bucket

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "state" {
  bucket = aws_s3_bucket.state.bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.bucket
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DenyInsecureTransport"
      Effect    = "Deny"
      Principal = "*"
      # A denial: it has to cover every action and everyone.
      Action = "s3:*"
      Resource = [
        "arn:${local.partition}:s3:::${local.state_bucket}",
        "arn:${local.partition}:s3:::${local.state_bucket}/*",
      ]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 refuses two of these requests at the same time on one bucket.
  depends_on = [aws_s3_bucket_public_access_block.state]
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.bucket

  rule {
    id     = "expire-noncurrent-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.state_version_days
      # However old, the last ones are what a damaged state is put back from.
      newer_noncurrent_versions = 10
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # A plan that nobody applied within that time is made anew.
  dynamic "rule" {
    for_each = var.environments

    content {
      id     = "expire-plans-of-${rule.key}"
      status = "Enabled"

      filter {
        prefix = "${var.state_key_prefix}/${rule.key}/plans/"
      }

      expiration {
        days = 7
      }

      noncurrent_version_expiration {
        noncurrent_days = 1
      }
    }
  }

  # A rule for noncurrent versions is refused until versioning is on.
  depends_on = [aws_s3_bucket_versioning.state]
}
