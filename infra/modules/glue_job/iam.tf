resource "aws_iam_role" "this" {
  name        = var.name
  description = "What the Glue job ${var.name} may do."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      # Runs of the job run as this role.
      Sid       = "AssumedByGlue"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "glue.amazonaws.com" }
    }]
  })
}

locals {
  writable = [for place in var.s3_access : place if place.write]

  statements = {
    # Prefixes are listed to find the files below them, and Spark's S3 client asks for the region.
    list = {
      Sid      = "ListBuckets"
      Effect   = "Allow"
      Action   = ["s3:GetBucketLocation", "s3:ListBucket"]
      Resource = distinct([for place in var.s3_access : place.bucket_arn])
    }
    # Input, and what the job itself wrote: it reads that back to count it.
    read = {
      Sid      = "ReadObjects"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = [for place in var.s3_access : "${place.bucket_arn}/${place.prefix}*"]
    }
    write = {
      Sid    = "WriteObjects"
      Effect = "Allow"
      # Large objects go up in parts; a failed run has to be able to take them back.
      Action   = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
      Resource = [for place in local.writable : "${place.bucket_arn}/${place.prefix}*"]
    }
    # To find what a failed run left of a large object.
    list_uploads = {
      Sid      = "ListUploads"
      Effect   = "Allow"
      Action   = ["s3:ListBucketMultipartUploads"]
      Resource = distinct([for place in local.writable : place.bucket_arn])
    }
    logs = {
      Sid    = "WriteLogs"
      Effect = "Allow"
      # Glue's log groups are shared by all jobs of the account, and the first run makes them.
      Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${var.log_group_arn_prefix}/aws-glue/*"]
    }
    metrics = {
      Sid    = "WriteMetrics"
      Effect = "Allow"
      Action = ["cloudwatch:PutMetricData"]
      # Metrics have no ARN: AWS accepts no other resource than "*", so the namespace is what limits it.
      Resource  = ["*"]
      Condition = { StringEquals = { "cloudwatch:namespace" = "Glue" } }
    }
    # The objects are encrypted with the key: reading decrypts, writing asks for a data key.
    kms = {
      Sid      = "UseKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = [var.kms_key_arn]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name = "job"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [local.statements.list, local.statements.read, local.statements.write, local.statements.list_uploads],
      [local.statements.logs],
      local.is_spark ? [local.statements.metrics] : [],
      var.kms_key_arn == null ? [] : [local.statements.kms],
    )
  })
}
