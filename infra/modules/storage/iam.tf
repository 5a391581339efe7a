locals {
  bucket_and_objects = {
    for role, name in var.bucket_names :
    role => ["arn:${var.partition}:s3:::${name}", "arn:${var.partition}:s3:::${name}/*"]
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.bucket
  policy = jsonencode({
    Version = "2012-10-17"
    # Denials: they have to cover every action and everyone.
    Statement = concat(
      [
        {
          # Neither another account nor anybody anonymous, whatever a later policy allows. AWS's own services come as
          # principals of no account.
          Sid       = "DenyOtherAccounts"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = local.bucket_and_objects[each.key]
          Condition = {
            StringNotEquals = { "aws:PrincipalAccount" = var.account_id }
            BoolIfExists    = { "aws:PrincipalIsAWSService" = "false" }
          }
        },
      ],
      var.require_tls ? [
        {
          # Data and signatures could be read on the way.
          Sid       = "DenyInsecureTransport"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = local.bucket_and_objects[each.key]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ] : [],
    )
  })

  # S3 refuses two of these requests at the same time on one bucket.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
