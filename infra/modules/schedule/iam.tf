resource "aws_iam_role" "this" {
  name        = var.name
  description = "What the schedules of the group ${var.name} may start."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = split(":", var.group_arn)[4] }
        ArnEquals    = { "aws:SourceArn" = var.group_arn }
      }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "start"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "StartExecution"
        Effect   = "Allow"
        Action   = ["states:StartExecution"]
        Resource = [var.state_machine_arn]
      }],
      # Scheduler sends to the queue with this role too.
      var.dead_letter_queue_arn == null ? [] : [{
        Sid      = "KeepUndelivered"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [var.dead_letter_queue_arn]
      }],
      # The schedules' input is encrypted with the key, and so is what is sent to the queue.
      # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
      var.kms_key_arn == null ? [] : [{
        Sid      = "UseKey"
        Effect   = "Allow"
        Action   = concat(["kms:Decrypt"], var.dead_letter_queue_arn == null ? [] : ["kms:GenerateDataKey"])
        Resource = [var.kms_key_arn]
      }],
    )
  })
}
