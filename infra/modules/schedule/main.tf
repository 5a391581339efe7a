# A group of its own, since Scheduler tells a role's trust policy the group, and not the schedule, that it acts for.
resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297:The input holds a dataset's name, a folder and parameters; kms_key_arn names a key
  for_each = var.schedules

  name       = each.key
  group_name = aws_scheduler_schedule_group.this.name
  state      = each.value.enabled ? "ENABLED" : "DISABLED"

  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode                      = each.value.flexible_window_minutes == 0 ? "OFF" : "FLEXIBLE"
    maximum_window_in_minutes = each.value.flexible_window_minutes == 0 ? null : each.value.flexible_window_minutes
  }

  target {
    arn      = var.state_machine_arn
    role_arn = aws_iam_role.this.arn
    # What start-on-schedule reads. Scheduler puts the moment in where it finds these brackets, which jsonencode
    # escapes.
    input = replace(
      jsonencode({
        schedule       = each.key
        scheduled_time = "<aws.scheduler.scheduled-time>"
        dataset        = each.value.dataset
        source_uri     = each.value.source_uri
        parameters     = { for name, value in each.value.parameters : name => try(jsondecode(value), value) }
        repeat         = each.value.repeat
      }),
      "\\u003caws.scheduler.scheduled-time\\u003e", "<aws.scheduler.scheduled-time>",
    )

    # A start that comes later than this is better left to a person.
    retry_policy {
      maximum_event_age_in_seconds = 60 * 60
      maximum_retry_attempts       = 20
    }

    dynamic "dead_letter_config" {
      for_each = var.dead_letter_queue_arn == null ? [] : [var.dead_letter_queue_arn]

      content {
        arn = dead_letter_config.value
      }
    }
  }

  depends_on = [aws_iam_role_policy.this]
}
