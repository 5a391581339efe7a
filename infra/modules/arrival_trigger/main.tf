resource "aws_s3_bucket_notification" "this" {
  bucket      = var.bucket_name
  eventbridge = true
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = var.triggers

  name        = "${var.name}-${each.key}"
  description = "A folder below ${each.value.prefix} is complete."
  state       = each.value.enabled ? "ENABLED" : "DISABLED"
  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail = {
      bucket = { name = [var.bucket_name] }
      object = {
        key = [
          "${each.value.prefix}${each.value.marker}",
          { wildcard = "${each.value.prefix}*/${each.value.marker}" },
        ]
      }
    }
  })
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = aws_cloudwatch_event_rule.this

  rule      = each.value.name
  target_id = "start"
  arn       = var.state_machine_arn
  role_arn  = aws_iam_role.this.arn

  input_transformer {
    input_paths = {
      bucket    = "$.detail.bucket.name"
      key       = "$.detail.object.key"
      sequencer = "$.detail.object.sequencer"
    }
    # EventBridge puts a text in with its quotes, so what it fills in stands without; jsonencode escapes the brackets.
    input_template = replace(
      jsonencode({
        dataset    = var.triggers[each.key].dataset
        parameters = { for name, value in var.triggers[each.key].parameters : name => try(jsondecode(value), value) }
        marker     = var.triggers[each.key].marker
        bucket     = "<bucket>"
        key        = "<key>"
        sequencer  = "<sequencer>"
      }),
      "/\"\\\\u003c(bucket|key|sequencer)\\\\u003e\"/", "<$1>",
    )
  }

  retry_policy {
    maximum_event_age_in_seconds = 24 * 60 * 60
    maximum_retry_attempts       = 185
  }

  dynamic "dead_letter_config" {
    for_each = var.dead_letter_queue_arn == null ? [] : [var.dead_letter_queue_arn]

    content {
      arn = dead_letter_config.value
    }
  }

  depends_on = [aws_iam_role_policy.this]
}
