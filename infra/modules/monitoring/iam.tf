# EventBridge writes to log groups by this kind of policy alone. A region has room for ten.
resource "aws_cloudwatch_log_resource_policy" "glue_runs" {
  policy_name = "${var.name_prefix}-glue-runs"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # For this EventBridge gives no source, so a condition on one would deny it; for the events it does.
        # https://github.com/hashicorp/terraform-provider-aws/issues/26628
        Sid       = "MakeStreams"
        Effect    = "Allow"
        Action    = ["logs:CreateLogStream"]
        Principal = { Service = ["events.amazonaws.com", "delivery.logs.amazonaws.com"] }
        Resource  = ["${var.log_group_arn_prefix}${local.glue_log_group_name}:*"]
      },
      {
        Sid       = "WriteGlueEvents"
        Effect    = "Allow"
        Action    = ["logs:PutLogEvents"]
        Principal = { Service = ["events.amazonaws.com", "delivery.logs.amazonaws.com"] }
        Resource  = ["${var.log_group_arn_prefix}${local.glue_log_group_name}:*"]
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
    ]
  })
}
