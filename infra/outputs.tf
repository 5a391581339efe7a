output "state_machine_arn" {
  description = "ARN of the state machine to start: the pipeline."
  value       = module.pipeline.arn
}

output "run_sql_state_machine_arn" {
  description = "ARN of the state machine that runs SQL on Redshift and waits for its end."
  value       = module.run_sql.arn
}

output "record_failure_state_machine_arn" {
  description = "ARN of the state machine that records an execution that ended without success."
  value       = module.record_failure.arn
}

output "raw_bucket" {
  description = "Bucket for the source files; the pipeline never writes to it."
  value       = module.storage.bucket_names.raw
}

output "lake_bucket" {
  description = "Bucket that the pipeline writes to."
  value       = module.storage.bucket_names.lake
}

output "artifacts_bucket" {
  description = "Bucket with the deployed code, contracts and SQL."
  value       = module.storage.bucket_names.artifacts
}

output "lambda_function_name" {
  description = "Lambda function that makes the job ID."
  value       = module.generate_param.name
}

output "python_job_name" {
  description = "Glue Python shell job."
  value       = module.python_job.name
}

output "spark_job_name" {
  description = "Glue Spark job."
  value       = module.spark_job.name
}

output "redshift_cluster_identifier" {
  description = "Redshift cluster that runs the statements; absent where a workgroup does."
  value       = module.redshift.cluster_identifier
}

output "redshift_workgroup_name" {
  description = "Redshift Serverless workgroup that runs the statements; absent where a cluster does."
  value       = module.redshift.workgroup_name
}

output "redshift_database" {
  description = "Database that the statements run in."
  value       = module.redshift.database
}

output "redshift_secret_arn" {
  description = "ARN of the secret of the user that loads and reads."
  value       = module.redshift.secret_arn
}

output "redshift_admin_secret_arn" {
  description = <<-EOT
    ARN of the secret of the user that makes tables and users; absent where the warehouse was there before.
  EOT
  value       = module.redshift.admin_secret_arn
}

output "failure_topic_arn" {
  description = "ARN of the SNS topic that tells of failed executions."
  value       = module.failure_notification.topic_arn
}

output "lineage_function_name" {
  description = "Lambda function that emits OpenLineage events; null without them."
  value       = one(module.emit_lineage[*].name)
}

output "dashboard_name" {
  description = "CloudWatch dashboard of the pipeline; null without monitoring."
  value       = one(module.monitoring[*].dashboard_name)
}
