# EventBridge calls the function by the function's own policy, which names these rules.
resource "aws_lambda_permission" "this" {
  for_each = aws_cloudwatch_event_rule.this

  statement_id   = "EventBridge-${each.key}"
  action         = "lambda:InvokeFunction"
  function_name  = var.function_name
  principal      = "events.amazonaws.com"
  source_account = var.account_id
  source_arn     = "${var.rule_arn_prefix}${each.value.name}"
}
