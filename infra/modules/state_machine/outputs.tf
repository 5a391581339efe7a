output "arn" {
  description = "ARN of the state machine."
  value       = aws_sfn_state_machine.this.arn
}

output "definition" {
  description = "Definition of the state machine, as JSON."
  value       = aws_sfn_state_machine.this.definition
}

output "policy" {
  description = "What the state machine may do, as a policy document."
  value       = aws_iam_role_policy.this.policy
}
