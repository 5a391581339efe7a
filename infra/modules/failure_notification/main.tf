resource "aws_sns_topic" "this" {
  name              = var.topic_name
  display_name      = "Data pipeline"
  kms_master_key_id = coalesce(var.kms_key_arn, "alias/aws/sns")

  # Instead of SNS's default, which lets everybody in the account do everything: roles need an IAM policy of theirs.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # Alarms publish as a service, which has no IAM policy: those of this account, or the ones that are named.
          Sid       = "PublishAlarms"
          Effect    = "Allow"
          Principal = { Service = "cloudwatch.amazonaws.com" }
          Action    = ["sns:Publish"]
          Resource  = [var.topic_arn]
          Condition = merge(
            { StringEquals = { "aws:SourceAccount" = var.account_id } },
            length(var.alarm_arns) > 0 ? { ArnLike = { "aws:SourceArn" = var.alarm_arns } } : {},
          )
        },
      ],
      var.require_tls ? [
        {
          # A denial: it has to cover everyone.
          Sid       = "DenyInsecureTransport"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["sns:Publish"]
          Resource  = [var.topic_arn]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ] : [],
    )
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.emails)

  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.value
}

# Events that could not be handed over, kept so that no failed execution goes unseen.
resource "aws_sqs_queue" "undelivered" {
  count = var.keep_undelivered ? 1 : 0

  name                      = var.queue_name
  message_retention_seconds = 14 * 24 * 60 * 60
  kms_master_key_id         = var.kms_key_arn
  # The one or the other.
  sqs_managed_sse_enabled = var.kms_key_arn == null ? true : null

  # Not a resource of its own: the provider waits about 25 s for each of the two.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # EventBridge sends as a service, which has no IAM policy: for these rules only.
          Sid       = "KeepUndelivered"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = ["sqs:SendMessage"]
          Resource  = [var.queue_arn]
          Condition = { ArnEquals = { "aws:SourceArn" = concat([var.rule_arn], var.further_rule_arns) } }
        },
      ],
      var.require_tls ? [
        {
          # A denial: it has to cover every action and everyone.
          Sid       = "DenyInsecureTransport"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["sqs:*"]
          Resource  = [var.queue_arn]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ] : [],
    )
  })
}

# EventBridge and not a Catch in the state machine: it alone also sees time-outs, StopExecution and runtime errors.
resource "aws_cloudwatch_event_rule" "this" {
  name        = var.rule_name
  description = "An execution ended without success."
  event_pattern = jsonencode({
    source        = ["aws.states"]
    "detail-type" = ["Step Functions Execution Status Change"]
    detail = {
      stateMachineArn = [var.watched_state_machine_arn]
      status          = ["FAILED", "TIMED_OUT", "ABORTED"]
    }
  })
}

resource "aws_cloudwatch_event_target" "this" {
  rule      = aws_cloudwatch_event_rule.this.name
  target_id = "record-failure"
  arn       = var.recorder_state_machine_arn
  role_arn  = aws_iam_role.this.arn

  retry_policy {
    maximum_event_age_in_seconds = 24 * 60 * 60
    maximum_retry_attempts       = 185
  }

  dynamic "dead_letter_config" {
    for_each = aws_sqs_queue.undelivered

    content {
      arn = dead_letter_config.value.arn
    }
  }

  depends_on = [aws_iam_role_policy.this]
}
